//! Random bytes of the operating system.

use std::cell::RefCell;

use crate::error::{AuditError, Result};

/// So many bytes are asked for at once.
const AT_ONCE: usize = 1024;

/// Bytes for a key: asked for each time, and held nowhere else.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| AuditError::Random)?;
    Ok(bytes)
}

thread_local! {
    static AHEAD: RefCell<Ahead> = const { RefCell::new(Ahead { bytes: [0; AT_ONCE], left: 0 }) };
}

/// Bytes that were asked for ahead; those that are left are the first ones.
struct Ahead {
    bytes: [u8; AT_ONCE],
    left: usize,
}

/// Bytes that are no secret: ids and nonces. A leaf takes several, and to ask the system for each
/// takes longer than to write the leaf; so they are asked for ahead, many at once.
pub(crate) fn random_in_clear<const N: usize>() -> Result<[u8; N]> {
    AHEAD.with_borrow_mut(|ahead| {
        if ahead.left < N {
            getrandom::fill(&mut ahead.bytes).map_err(|_| AuditError::Random)?;
            ahead.left = AT_ONCE;
        }
        let left = ahead.bytes.get(..ahead.left).unwrap_or_default();
        let Some(last) = left.last_chunk::<N>() else {
            return random();
        };
        ahead.left -= N;
        Ok(*last)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn nothing_is_given_twice() {
        let threads = (0..4).map(|_| {
            std::thread::spawn(|| {
                let mut seen = HashSet::new();
                for _ in 0..500 {
                    seen.insert(random_in_clear::<16>().unwrap().to_vec());
                    seen.insert(random_in_clear::<12>().unwrap().to_vec());
                }
                seen
            })
        });
        let threads: Vec<_> = threads.collect();
        let seen: HashSet<_> = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        assert_eq!(seen.len(), 4 * 1_000);
        assert_ne!(random_in_clear::<2048>().unwrap(), [0; 2048]);
    }
}
