//! What is told of policies that are refused, and that the shipped ones are not.

#![cfg(test)]

use doorward_catalog::Op;
use doorward_condition::{PRESETS, PolicyFault, TEXT_MAX, check, schema_text};
use proptest::prelude::*;

fn fault(text: &str) -> PolicyFault {
    check("p", text).unwrap_err().remove(0)
}

#[test]
fn every_preset_fits() {
    for preset in PRESETS {
        match check(preset.name, preset.text) {
            Ok(rules) => assert!(rules.iter().all(|rule| !rule.operations.is_empty())),
            Err(faults) => panic!("{}: {}", preset.name, faults[0]),
        }
        assert_eq!(
            preset.to_fill_in,
            preset.text.contains("Put in"),
            "{}",
            preset.name
        );
    }
    let dangerous = check("dangerous-acts", PRESETS[0].text).unwrap();
    assert!(
        dangerous
            .iter()
            .all(|rule| rule.approval && rule.client.is_none())
    );
    assert_eq!(dangerous[1].name, "dangerous-acts/bulk");
    assert!(dangerous[1].operations.contains(Op::BulkDeleteLeads));
}

#[test]
fn a_permit_is_refused_with_what_to_write() {
    let shown = fault("\n  permit (principal, action, resource);").to_string();
    assert_eq!(
        shown,
        "2:3: a policy can't permit\n  |\n2 |   permit (principal, action, resource);\n  |   \
         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  help: grants allow, policies only take away: write \
         what must not be, as in `forbid (principal, action, resource) unless { … };`, and grant \
         with `doorward client grant`"
    );
}

#[test]
fn faults_are_shown_where_they_are() {
    let mut wrong = Vec::new();
    for (text, line, column, why) in [
        (
            "forbid (principal, action, resource)\nwhen { context.campagins.contains(\"*\") };",
            2,
            8,
            "campagins",
        ),
        (
            "forbid (principal, action == Action::\"activateCampaing\", resource);",
            1,
            30,
            "activateCampaing",
        ),
        (
            "forbid (principal, action, resource) when { context.hour == \"8\" };",
            1,
            45,
            "",
        ),
        (
            "forbid (principal, action == Action::\"listLeads\", resource) when { context.body.limit > 3 };",
            1,
            68,
            "limit",
        ),
        ("forbid (principal, action, resource", 1, 36, "end of input"),
        (
            "forbid (principal, action, resource) when { context.hour > };",
            1,
            60,
            "",
        ),
        (
            "forbid (principal == User::\"x\", action, resource);",
            1,
            22,
            "User",
        ),
        (
            "@approval(\"maybe\") forbid (principal, action, resource);",
            1,
            1,
            "@approval",
        ),
        (
            "forbid (principal == ?principal, action, resource);",
            1,
            1,
            "template",
        ),
        (
            "forbid (principal, action, resource) when { context.hour > 8 && false };",
            1,
            1,
            "impossible",
        ),
        (
            "forbid (principal, action, resource) when { context.campaigns.contains(\"x\") };",
            1,
            1,
            "filter",
        ),
        (
            "forbid (principal, action, resource) unless { [\"0195C1A0-0000-7000-8000-000000000001\"].containsAll(context.campaigns) };",
            1,
            49,
            "capital",
        ),
        (
            "@id(\"A\") forbid (principal, action, resource);",
            1,
            1,
            "@id",
        ),
    ] {
        let fault = fault(text);
        let at = fault.at.clone().unwrap_or_else(|| panic!("{fault}"));
        if (at.line, at.column) != (line, column) {
            wrong.push(format!("{fault}\n{line}:{column}"));
        }
        let shown = fault.to_string();
        if !shown.contains(why) || !shown.contains('^') {
            wrong.push(format!("{why}: {shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(fault("").to_string().contains("no policy"));
    assert!(
        fault(&" ".repeat(TEXT_MAX + 1))
            .to_string()
            .contains("64 KiB")
    );
    let twice = "@id(\"a\") forbid (principal, action, resource);";
    assert!(
        fault(&format!("{twice}\n{twice}"))
            .to_string()
            .contains("same @id")
    );
}

#[test]
fn the_schema_has_every_operation() {
    for op in Op::ALL {
        assert!(
            schema_text().contains(&format!("action \"{}\" in", op.id())),
            "{op}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_judged(text in "\\PC{0,120}") {
        if let Err(faults) = check("p", &text) {
            prop_assert!(!faults.is_empty());
            faults.iter().for_each(|fault| drop(fault.to_string()));
        }
    }

    #[test]
    fn any_text_that_looks_like_a_policy_is_judged(
        scope in "(principal|action|resource|==|in|,|Client::\"x\"|\\?principal|\\[|\\]| ){0,8}",
        condition in "(context|\\.|campaigns|body|has|limit|>|3|\"\\*\"|\\(|\\)|\\{|\\}|é|\\n| ){0,16}",
    ) {
        let text = format!("forbid ({scope}) when {{ {condition} }};");
        if let Err(faults) = check("p", &text) {
            faults.iter().for_each(|fault| drop(fault.to_string()));
        }
    }
}
