//! Conditions on events: what they let through, what is told of those that are refused.

#![cfg(test)]

use doorward_condition::{
    EVENT_TEXT_MAX, EventAsked, EventCondition, PolicyFault, event_schema_text,
};
use doorward_policy::Timestamp;
use proptest::prelude::*;

const ASKED: EventAsked<'static> = EventAsked {
    destination: "crm",
    event_type: "link_clicked",
    subscribed_type: "email_link_clicked",
    workspace: "W1",
    campaign: "C1",
    campaign_name: "Spring",
    lead: "ann@example.com",
    origin: "webhook",
    happened: Timestamp::from_seconds(1_800_000_000),
    received: Timestamp::from_seconds(1_800_000_010),
};

fn wants(text: &str, fields: &[(&str, &str)]) -> Option<bool> {
    let condition = EventCondition::read(text);
    let condition = condition.unwrap_or_else(|faults| panic!("{text}\n{}", faults[0]));
    let fields = fields.iter();
    let fields = fields.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    condition.wants(&ASKED, fields.collect())
}

fn unless(text: &str) -> String {
    format!("forbid (principal, action, resource) unless {{ {text} }};")
}

fn fault(text: &str) -> PolicyFault {
    EventCondition::read(text).unwrap_err().remove(0)
}

#[test]
fn a_condition_takes_away_what_does_not_hold() {
    for (text, is) in [
        (r#"resource.event_type == "link_clicked""#, true),
        (r#"resource.subscribed_type == "email_link_clicked""#, true),
        (
            r#"resource.workspace == "w1" && resource.campaign == "c1""#,
            true,
        ),
        (r#"resource.campaign_name like "Spr*""#, true),
        (r#"resource.lead_domain == "example.com""#, true),
        (
            r#"["example.org", "example.net"].contains(resource.lead_domain)"#,
            false,
        ),
        (r#"resource.origin != "test""#, true),
        (
            r#"resource.happened < datetime("2027-01-15T08:00:01Z")"#,
            true,
        ),
        (
            r#"resource.received < datetime("2027-01-15T08:00:01Z")"#,
            false,
        ),
        (r#"principal.name == "lake""#, false),
        (
            r#"resource.hasTag("company") && resource.getTag("company") == "Acme""#,
            true,
        ),
        (r#"resource.hasTag("nothing")"#, false),
    ] {
        let found = wants(&unless(text), &[("company", "Acme")]);
        assert_eq!(found, Some(is), "{text}");
    }
    // Any rule takes away.
    let two = format!(
        "{}\nforbid (principal, action == Action::\"deliver\", resource) when {{ \
         resource.hasTag(\"bounced\") }};",
        unless("resource.lead != \"\"")
    );
    assert_eq!(wants(&two, &[]), Some(true));
    assert_eq!(wants(&two, &[("bounced", "true")]), Some(false));
}

#[test]
fn it_says_which_fields_it_asks_for() {
    let text = unless(
        r#"resource.hasTag("b") && resource.getTag("b") like "*x*" || resource.hasTag("a")"#,
    );
    let condition = EventCondition::read(&text).unwrap();
    assert_eq!(condition.fields().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn what_can_not_be_told_is_neither_yes_nor_no() {
    let large = "x".repeat(1024 * 1024 + 1);
    assert_eq!(
        wants(&unless(r#"resource.hasTag("a")"#), &[("a", &large)]),
        None
    );
    // Cedar's numbers end.
    let over = "9223372036854775807 + principal.name.size() > 0";
    if EventCondition::read(&unless(over)).is_ok() {
        assert_eq!(wants(&unless(over), &[]), None);
    }
    let late = unless(r#"resource.happened.offset(duration("106751991167d")) > resource.received"#);
    assert_eq!(wants(&late, &[]), None);
    // What another rule takes away is told all the same.
    let both = format!("{late}\n{}", unless(r#"resource.lead == """#));
    assert_eq!(wants(&both, &[]), Some(false));
}

#[test]
fn faults_are_shown_where_they_are() {
    for (text, line, column, why) in [
        (
            "forbid (principal, action, resource)\nunless { resource.lead_domian == \"a\" };",
            2,
            10,
            "lead_domian",
        ),
        (
            "permit (principal, action, resource);",
            1,
            1,
            "can't permit",
        ),
        (
            "@approval(\"required\")\nforbid (principal, action, resource);",
            1,
            1,
            "approval",
        ),
        (
            "forbid (principal, action, resource)\nwhen { resource.getTag(\"a\") == \"b\" };",
            2,
            8,
            "tag",
        ),
        (
            "forbid (principal, action, resource) when { resource.hasTag(principal.name) };",
            1,
            1,
            "name is not there to read",
        ),
        (
            "forbid (principal, action == Action::\"createLead\", resource);",
            1,
            30,
            "createLead",
        ),
        ("forbid (principal, action, resource", 1, 36, ""),
        (
            "forbid (principal == ?principal, action, resource);",
            1,
            1,
            "template",
        ),
    ] {
        let found = fault(text);
        let at = found
            .at
            .clone()
            .unwrap_or_else(|| panic!("{text}: {found}"));
        assert!(found.to_string().contains(why), "{text}: {found}");
        assert_eq!((at.line, at.column), (line, column), "{text}: {found}");
    }
    for text in ["", "// nothing", &" ".repeat(EVENT_TEXT_MAX + 1)] {
        assert!(fault(text).at.is_none(), "{text:.20}");
    }
    let never = fault("forbid (principal, action, resource) when { false };");
    assert!(!never.message.is_empty());
}

#[test]
fn the_schema_is_cedar_s() {
    cedar_schema(event_schema_text());
    fn cedar_schema(text: &str) {
        for member in ["event_type", "lead_domain", "tags String", "\"deliver\""] {
            assert!(text.contains(member), "{member}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_and_no_field_brings_it_down(text: String, name: String, value: String) {
        let _ = EventCondition::read(&text);
        let literal = serde_json::to_string(&value).unwrap();
        if let Ok(condition) = EventCondition::read(&unless(&format!("resource.lead == {literal}"))) {
            let asked = EventAsked { lead: &value, event_type: &name, ..ASKED };
            prop_assert_eq!(condition.wants(&asked, vec![(name.clone(), value.clone())]), Some(true));
        }
    }
}
