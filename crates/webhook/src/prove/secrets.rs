//! One or two secrets, compared with the same work whichever it is, or neither.

use ring::digest::{SHA256, digest};
use subtle::{Choice, ConstantTimeEq};

/// Which of two secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Which {
    /// The one in force.
    Current,
    /// The other, while both are valid.
    Other,
}

/// Which secrets matched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Match {
    pub(crate) current: Choice,
    pub(crate) other: Choice,
}

impl Match {
    pub(crate) fn none() -> Self {
        Self {
            current: Choice::from(0),
            other: Choice::from(0),
        }
    }

    /// The same, where also `holds`.
    pub(crate) fn and(self, holds: Choice) -> Self {
        Self {
            current: self.current & holds,
            other: self.other & holds,
        }
    }

    pub(crate) fn or(self, more: Self) -> Self {
        Self {
            current: self.current | more.current,
            other: self.other | more.other,
        }
    }

    /// Whether one did, and which; the time it takes is the same up to here.
    pub(crate) fn which(self) -> Option<Which> {
        if bool::from(self.current) {
            Some(Which::Current)
        } else if bool::from(self.other) {
            Some(Which::Other)
        } else {
            None
        }
    }
}

/// Values of the same length, one or two of them.
#[derive(Clone)]
pub(crate) struct Pair<const LENGTH: usize> {
    current: [u8; LENGTH],
    /// Where there is none, a value that nothing is compared with in earnest.
    other: [u8; LENGTH],
    has_other: Choice,
}

impl<const LENGTH: usize> Pair<LENGTH> {
    pub(crate) fn new(current: [u8; LENGTH], other: Option<[u8; LENGTH]>) -> Self {
        Self {
            current,
            has_other: Choice::from(u8::from(other.is_some())),
            other: other.unwrap_or([0; LENGTH]),
        }
    }

    pub(crate) fn compare(&self, presented: &[u8; LENGTH]) -> Match {
        Match {
            current: self.current.ct_eq(presented),
            other: self.other.ct_eq(presented) & self.has_other,
        }
    }
}

/// SHA-256, so that texts of any length are compared in one time. The secrets themselves need not
/// be held then.
pub(crate) fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    let digest = digest(&SHA256, bytes);
    hash.iter_mut()
        .zip(digest.as_ref())
        .for_each(|(to, from)| *to = *from);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_which_and_takes_no_stand_in_for_a_secret() {
        let both = Pair::new([1; 4], Some([2; 4]));
        assert_eq!(both.compare(&[1; 4]).which(), Some(Which::Current));
        assert_eq!(both.compare(&[2; 4]).which(), Some(Which::Other));
        assert_eq!(both.compare(&[0; 4]).which(), None);
        let one = Pair::new([1; 4], None);
        assert_eq!(one.compare(&[0; 4]).which(), None);
        assert_eq!(one.compare(&[1; 4]).and(Choice::from(0)).which(), None);
    }
}
