//! The headers of a delivery, from whatever holds them.

use http::HeaderMap;

/// What there is under a header's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// Nothing.
    Absent,
    /// One value.
    One(&'a [u8]),
    /// More than one: which of them counts is told differently by different readers.
    Many,
}

/// Headers by their names, which are the same in capitals and small letters.
pub trait Head {
    /// What there is under a name.
    fn find(&self, name: &str) -> Found<'_>;
}

impl<'a> Found<'a> {
    /// Of all values under a name.
    pub fn of(mut values: impl Iterator<Item = &'a [u8]>) -> Self {
        match (values.next(), values.next()) {
            (None, _) => Self::Absent,
            (Some(value), None) => Self::One(value),
            (Some(_), Some(_)) => Self::Many,
        }
    }
}

impl Head for HeaderMap {
    fn find(&self, name: &str) -> Found<'_> {
        Found::of(self.get_all(name).iter().map(|value| value.as_bytes()))
    }
}

/// Pairs of name and value.
impl<N: AsRef<str>, V: AsRef<[u8]>> Head for [(N, V)] {
    fn find(&self, name: &str) -> Found<'_> {
        let values = self
            .iter()
            .filter(|(known, _)| known.as_ref().eq_ignore_ascii_case(name));
        Found::of(values.map(|(_, value)| value.as_ref()))
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>, const COUNT: usize> Head for [(N, V); COUNT] {
    fn find(&self, name: &str) -> Found<'_> {
        self.as_slice().find(name)
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Head for Vec<(N, V)> {
    fn find(&self, name: &str) -> Found<'_> {
        self.as_slice().find(name)
    }
}

impl<H: Head + ?Sized> Head for &H {
    fn find(&self, name: &str) -> Found<'_> {
        (**self).find(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_any_letters_and_twice_is_many() {
        let pairs = [("X-One", "1"), ("x-two", "a"), ("X-Two", "b")];
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            let name: http::HeaderName = name.parse().unwrap();
            map.append(name, value.parse().unwrap());
        }
        let heads: [&dyn Head; 2] = [&pairs, &map];
        for head in heads {
            assert_eq!(head.find("x-ONE"), Found::One(b"1"));
            assert_eq!(head.find("X-TWO"), Found::Many);
            assert_eq!(head.find("x-three"), Found::Absent);
        }
    }
}
