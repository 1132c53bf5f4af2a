//! Ways to reach a campaign that a policy keeps a client from.

use doorward_catalog::Op;
use doorward_condition::Asked;

use crate::{OTHER, OWN, asked, body, own, verdict};

#[test]
fn own_campaigns_are_let_pass_wherever_they_are_named() {
    let own = own();
    for of in [
        Asked {
            parameter: Some(OWN),
            ..asked(Op::ActivateCampaign)
        },
        Asked {
            query: text!("ids={OWN}&ids={OWN}"),
            ..asked(Op::GetCampaignAnalytics)
        },
        body(
            Op::CreateLead,
            text!(r#"{{"campaign":"{OWN}","email":"a@x.org"}}"#),
        ),
        body(
            Op::CreateLead,
            text!(
                r#"{{"campaign":"{}","custom_variables":{{"campaign":"x"}}}}"#,
                OWN.to_uppercase()
            ),
        ),
        body(
            Op::BulkAddLeads,
            text!(r#"{{"campaign_id":"{OWN}","leads":[{{"email":"a@x.org"}}]}}"#),
        ),
        body(
            Op::MoveLeads,
            text!(r#"{{"campaign":"{OWN}","to_campaign_id":"{OWN}"}}"#),
        ),
        body(
            Op::ListLeads,
            text!(r#"{{"campaign":"{OWN}","in_campaign":true}}"#),
        ),
        asked(Op::ListCustomTag),
    ] {
        assert_eq!(verdict(&own, of), "allow", "{of:?}");
    }
}

/// Each is a way to reach another campaign.
#[test]
fn nothing_else_is() {
    let own = own();
    let deny = [
        Asked {
            parameter: Some(OTHER),
            ..asked(Op::ActivateCampaign)
        },
        Asked {
            query: text!("ids={OWN}&ids={OTHER}"),
            ..asked(Op::GetCampaignAnalytics)
        },
        Asked {
            query: text!("ids={OWN}%2C{OTHER}"),
            ..asked(Op::GetCampaignAnalytics)
        },
        Asked {
            query: text!("id={OWN}&ids={OTHER}"),
            ..asked(Op::GetCampaignAnalytics)
        },
        asked(Op::GetCampaignAnalytics),
        asked(Op::ListCampaign),
        Asked {
            parameter: Some(OTHER),
            ..asked(Op::DeleteLead)
        },
        body(
            Op::MoveLeads,
            text!(r#"{{"campaign":"{OWN}","to_campaign_id":"{OTHER}"}}"#),
        ),
        body(
            Op::MoveLeads,
            text!(r#"{{"list_id":"{OTHER}","campaign":"{OWN}"}}"#),
        ),
        body(
            Op::MoveLeads,
            text!(r#"{{"to_campaign_id":"{OWN}","ids":["{OTHER}"]}}"#),
        ),
        body(
            Op::MoveLeads,
            text!(r#"{{"campaign":"{OWN}","ignore_resource_filter_clauses":true}}"#),
        ),
        body(
            Op::ListLeads,
            text!(r#"{{"campaign":"{OWN}","in_campaign":false}}"#),
        ),
        body(Op::ListLeads, "{}"),
        body(Op::ListLeads, r#"{"campaign":null}"#),
        body(Op::ListLeads, r#"{"campaign":""}"#),
        asked(Op::ListLeads),
        body(
            Op::BulkDeleteLeads,
            text!(r#"{{"list_id":"{OTHER}","campaign_id":"{OWN}"}}"#),
        ),
        body(Op::CreateWebhook, r#"{"target_hook_url":"https://x.org"}"#),
        body(
            Op::CreateInboxPlacementTest,
            text!(r#"{{"campaign_id":"{OTHER}"}}"#),
        ),
        body(Op::RunEnrichment, text!(r#"{{"resource_id":"{OTHER}"}}"#)),
        body(
            Op::ToggleTagResource,
            r#"{"selected_all":true,"resource_type":2}"#,
        ),
        body(
            Op::ToggleTagResource,
            text!(r#"{{"resource_ids":["{OWN}"],"filter":"x"}}"#),
        ),
    ];
    for of in deny {
        assert_eq!(verdict(&own, of), "deny own", "{of:?}");
    }
    let failed = [
        Asked {
            parameter: Some("1"),
            ..asked(Op::ActivateCampaign)
        },
        Asked {
            query: text!("ids={OWN}&campaign_id={OTHER}"),
            ..asked(Op::GetCampaignAnalytics)
        },
        Asked {
            query: text!("ids={OWN}&ids%5B%5D={OTHER}"),
            ..asked(Op::GetCampaignAnalytics)
        },
        Asked {
            query: text!("ids={}", OWN.replace('-', "")),
            ..asked(Op::GetCampaignAnalytics)
        },
        body(Op::CreateLead, r#"{"campaign":7}"#),
        body(Op::CreateLead, text!(r#"{{"campaign":["{OWN}"]}}"#)),
        body(
            Op::CreateLead,
            text!(r#"{{"campaign":{{"id":"{OTHER}"}}}}"#),
        ),
        body(Op::CreateLead, text!(r#"{{"campaign":"{{{OWN}}}"}}"#)),
        body(Op::CreateLead, text!(r#"{{"campaign":" {OWN}\u0000"}}"#)),
        body(
            Op::CreateLead,
            text!(r#"{{"campaign":"{OWN}","campaign_id":"{OTHER}"}}"#),
        ),
        body(
            Op::CreateLead,
            text!(r#"{{"campaign":"{OWN}","Campaign":"{OTHER}"}}"#),
        ),
        body(
            Op::CreateLead,
            text!(r#"{{"campaign":"{OWN}","x":{{"campaignId":"{OTHER}"}}}}"#),
        ),
        body(
            Op::BulkAddLeads,
            text!(r#"{{"campaign_id":"{OWN}","leads":[{{"campaign":"{OTHER}"}}]}}"#),
        ),
        body(Op::BulkAddLeads, text!(r#"[{{"campaign_id":"{OTHER}"}}]"#)),
        body(Op::CreateLead, "{"),
        body(Op::CreateLead, "\"x\""),
        Asked {
            body: br#"{"campaign_id":"x"}"#,
            parameter: Some(OWN),
            ..asked(Op::ActivateCampaign)
        },
    ];
    for of in failed {
        let verdict = verdict(&own, of);
        assert!(
            ["failed own", "deny own"].contains(&verdict.as_str()),
            "{verdict}: {of:?}"
        );
    }
}
