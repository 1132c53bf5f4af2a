//! Path globs of detectors: `*` within a component, `**` over components, `?`; a glob without `/`
//! is held against the last component.

/// Whether the path (with `/`) matches.
pub(crate) fn matches(glob: &str, path: &str) -> bool {
    if glob.contains('/') {
        return fits(glob.as_bytes(), path.trim_start_matches("./").as_bytes());
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    fits(glob.as_bytes(), name.as_bytes())
}

/// Keeps the last `*` and the last `**` to come back to: linear in glob times path.
fn fits(glob: &[u8], path: &[u8]) -> bool {
    let (mut g, mut p) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    let mut stars: Option<(usize, usize)> = None;
    loop {
        let rest = glob.get(g..).unwrap_or_default();
        if rest.starts_with(b"**") {
            let after = rest.iter().take_while(|byte| **byte == b'*').count();
            // `**/` stands for no folder too.
            let slash = usize::from(rest.get(after) == Some(&b'/'));
            stars = Some((g + after + slash, p));
            star = None;
            g += after + slash;
            continue;
        }
        match (rest.first(), path.get(p)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                star = Some((g + 1, p));
                g += 1;
                continue;
            }
            (Some(b'?'), Some(byte)) if *byte != b'/' => {
                g += 1;
                p += 1;
                continue;
            }
            (Some(want), Some(byte)) if want == byte => {
                g += 1;
                p += 1;
                continue;
            }
            _ => {}
        }
        if let Some((after, from)) = star
            && path.get(from).is_some_and(|byte| *byte != b'/')
        {
            star = Some((after, from + 1));
            (g, p) = (after, from + 1);
        } else if let Some((after, from)) = stars
            && from < path.len()
        {
            star = None;
            stars = Some((after, from + 1));
            (g, p) = (after, from + 1);
        } else {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn globs_match_as_in_ignore_files() {
        for (glob, path, expected) in [
            ("*.lock", "a/b/Cargo.lock", true),
            ("*.lock", "a/lock", false),
            ("package-lock.json", "x/package-lock.json", true),
            ("**/tests/**", "a/tests/b/c.rs", true),
            ("**/tests/**", "tests/c.rs", true),
            ("**/tests/**", "a/test/c.rs", false),
            ("src/*.rs", "src/a.rs", true),
            ("src/*.rs", "src/a/b.rs", false),
            ("src/**/*.rs", "src/a/b/c.rs", true),
            ("src/**/*.rs", "src/c.rs", true),
            ("a?c/*", "abc/d", true),
            ("**/*.min.*", "x/y.min.js", true),
        ] {
            assert_eq!(matches(glob, path), expected, "{glob} {path}");
        }
    }
}
