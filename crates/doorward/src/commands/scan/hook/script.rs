//! The hooks, as scripts.

/// Which hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    PreCommit,
    PrePush,
}

/// By this a hook is known as ours.
const MARK: &str = "doorward-scan-hook";

/// Whether a hook was written by this program.
pub(super) fn is_ours(script: &[u8]) -> bool {
    let head = script.get(..256).unwrap_or(script);
    String::from_utf8_lossy(head)
        .lines()
        .nth(1)
        .is_some_and(|line| line.contains(MARK))
}

impl Hook {
    /// Its name, as git has it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PrePush => "pre-push",
        }
    }

    /// The script, for the program at this path. It lets nothing pass unseen: without the program
    /// there is no commit.
    pub(super) fn script(self, program: &str) -> String {
        let program = format!("'{}'", program.replace('\'', r"'\''"));
        let (what, body) = match self {
            Self::PreCommit => ("a commit", PRE_COMMIT),
            Self::PrePush => ("a push", PRE_PUSH),
        };
        format!(
            "#!/bin/sh
# {MARK} 1: looks for secrets before {what}.
# Written by `doorward scan install-hook`; --uninstall takes it away. A hook that was here before runs
# after it, from the file beside it that ends in .before-doorward.
doorward={program}
if [ ! -x \"$doorward\" ]; then
    doorward=$(command -v doorward) || {{
        echo \"doorward is not there any more: install it, or delete $0\" >&2
        exit 1
    }}
fi
kept=\"$0.before-doorward\"
told() {{
    [ \"$1\" = 1 ] || exit \"$1\"
    echo \"doorward: this is not for others. Take it out; where it is no secret, say so on its line:\" >&2
    echo \"  doorward:allow REASON until YYYY-MM-DD\" >&2
    exit 1
}}
{body}"
        )
    }
}

const PRE_COMMIT: &str = r#""$doorward" scan --staged --quiet || told $?
if [ -x "$kept" ]; then
    exec "$kept" "$@"
fi
"#;

const PRE_PUSH: &str = r#"pushed=$(cat)
printf '%s\n' "$pushed" | "$doorward" scan --pre-push --quiet || told $?
if [ -x "$kept" ]; then
    printf '%s\n' "$pushed" | "$kept" "$@"
fi
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_known_and_the_program_s_path_is_a_word() {
        for hook in [Hook::PreCommit, Hook::PrePush] {
            let text = hook.script("/opt/it's here/doorward");
            assert!(is_ours(text.as_bytes()));
            assert!(
                text.contains(r"doorward='/opt/it'\''s here/doorward'"),
                "{text}"
            );
        }
        for other in [
            "",
            "#!/bin/sh\nmake lint\n",
            "#!/bin/sh\n\n# doorward-scan-hook 1",
        ] {
            assert!(!is_ours(other.as_bytes()), "{other}");
        }
    }
}
