//! Ways to reach a list, or anything, by names that an operation does not know.

use doorward_catalog::Op;
use doorward_condition::Asked;

use crate::{OTHER, OWN, asked, body, policies, verdict};

#[test]
fn a_member_that_the_operation_does_not_know_picks_nothing() {
    let text = format!(
        "forbid (principal, action, resource) unless {{ [\"{OWN}\"].containsAll(context.lists) }};"
    );
    let lists = policies(&[("lists", &text)]);
    for (op, passes, text) in [
        (Op::ListLeads, true, text!(r#"{{"list_id":"{OWN}"}}"#)),
        (Op::ListLeads, true, text!(r#"{{"campaign":"{OTHER}"}}"#)),
        (
            Op::BulkDeleteLeads,
            true,
            text!(r#"{{"campaign_id":"{OTHER}"}}"#),
        ),
        // Not this operation's name for a campaign: the API picks from every list.
        (
            Op::ListLeads,
            false,
            text!(r#"{{"campaign_id":"{OTHER}"}}"#),
        ),
        (
            Op::MoveLeads,
            false,
            text!(r#"{{"campaign_id":"{OTHER}"}}"#),
        ),
        (
            Op::BulkAssignLeads,
            false,
            text!(r#"{{"campaign_id":"{OTHER}"}}"#),
        ),
        (
            Op::BulkDeleteLeads,
            false,
            text!(r#"{{"campaign":"{OTHER}"}}"#),
        ),
        (
            Op::UpdateLeadInterestStatus,
            false,
            text!(r#"{{"campaign":"{OTHER}"}}"#),
        ),
        // No ids of campaigns.
        (Op::ListLeads, false, r#"{"campaign":"x"}"#),
        (Op::ListLeads, false, r#"{"campaign":7}"#),
        (Op::ListLeads, false, r#"{"campaign":","}"#),
        (Op::ListLeads, false, r#"{"campaign":{}}"#),
        (Op::BulkDeleteLeads, false, r#"{"campaign_id":["x"]}"#),
        // Where to is not where from.
        (
            Op::MoveLeads,
            false,
            text!(r#"{{"to_campaign_id":"{OTHER}"}}"#),
        ),
    ] {
        let expected = if passes { "allow" } else { "deny lists" };
        assert_eq!(verdict(&lists, body(op, text)), expected, "{op} {text}");
    }
}

#[test]
fn leads_are_named_by_the_operations_own_names_alone() {
    let text = format!(
        "forbid (principal, action, resource) unless {{ [\"{OWN}\"].containsAll(context.leads) }};"
    );
    let leads = policies(&[("leads", &text)]);
    let judged = |op, text| verdict(&leads, body(op, text));
    let of = |name: &str, id: &str| text!(r#"{{"{name}":["{id}"]}}"#);
    assert_eq!(judged(Op::MoveLeads, of("ids", OWN)), "allow");
    assert_eq!(judged(Op::MoveLeads, of("ids", OTHER)), "deny leads");
    // The ones that it deletes are picked by nothing.
    let unknown = text!(r#"{{"lead_email":"{OWN}","campaign_id":"{OWN}"}}"#);
    assert_ne!(judged(Op::BulkDeleteLeads, unknown), "allow");
}

/// Some readers take what is in the brackets, or before them, for the name.
#[test]
fn names_in_brackets_and_dots_are_what_is_in_them() {
    let own = crate::own();
    for name in [
        "ids%5B0%5D",
        "ids[0]",
        "ids.0",
        "filter[id]",
        "filter.ids",
        "resource_id[]",
        "entity_ids[1][]",
        "campaign[0]",
        "filter[campaign]",
    ] {
        let of = Asked {
            query: text!("ids={OWN}&{name}={OTHER}"),
            ..asked(Op::GetCampaignAnalytics)
        };
        assert_eq!(verdict(&own, of), "failed own", "{name}");
        let inside = name.replace("%5B", "[").replace("%5D", "]");
        let of = text!(r#"{{"campaign":"{OWN}","{inside}":"{OTHER}"}}"#);
        assert_eq!(
            verdict(&own, body(Op::CreateLead, of)),
            "failed own",
            "{inside}"
        );
    }
}
