use serde_json::json;

use crate::shapes::{entity, of};

/// What the operation says of a body; empty if it takes it.
fn said(op: &str, body: serde_json::Value) -> String {
    of(op)
        .unwrap()
        .check_body(Some(&body))
        .err()
        .map(|v| v.to_string())
        .unwrap_or_default()
}

#[test]
fn violations_are_worded_as_the_vendor_words_them() {
    let key = |scopes| json!({"name": "crm", "scopes": scopes});
    assert_eq!(said("createAPIKey", key(json!(["leads:read"]))), "");
    assert_eq!(
        said("createAPIKey", json!({"scopes": []})),
        "body must have required property 'name'"
    );
    assert_eq!(
        said("createAPIKey", key(json!(["leads:read", "leads:fly"]))),
        "body/scopes/1 must be equal to one of the allowed values"
    );
    assert_eq!(
        said("createAPIKey", key(json!("leads:read"))),
        "body/scopes must be array"
    );
    assert_eq!(
        said(
            "createAPIKey",
            json!({"name": "crm", "scopes": [], "expires": 1})
        ),
        "body must NOT have additional properties"
    );
    assert_eq!(said("createAPIKey", json!([])), "body must be object");
    assert_eq!(said("deleteAPIKey", json!({})), "body must be null");
    assert_eq!(said("deleteAPIKey", json!(null)), "");
    assert_eq!(
        said("patchWebhook", json!({})),
        "body must NOT have fewer than 1 properties"
    );
    assert_eq!(
        said(
            "createWebhook",
            json!({"target_hook_url": "ftp://a.example/"})
        ),
        "body/target_hook_url must match pattern \"^https?://\""
    );
    assert_eq!(
        said("createWebhook", json!({"target_hook_url": "http://a b"})),
        "body/target_hook_url must match format \"uri\""
    );
    assert_eq!(
        said(
            "createWebhook",
            json!({"target_hook_url": "http://a/", "headers": {"a/b~": 1}})
        ),
        "body/headers/a~1b~0 must be string"
    );
    assert_eq!(
        said("bulkDeleteLeads", json!({"limit": 1})),
        "body must have required property 'campaign_id', \
         body must have required property 'list_id', body must match a schema in anyOf"
    );
    assert_eq!(
        said("bulkDeleteLeads", json!({"campaign_id": "x"})),
        "body/campaign_id must match format \"uuid\""
    );
}

#[test]
fn a_missing_body_is_refused_only_where_one_is_required() {
    let refused = of("createAPIKey").unwrap().check_body(None).unwrap_err();
    assert_eq!(refused.to_string(), "body must be object");
    of("patchWebhook").unwrap().check_body(None).unwrap();
    of("deleteWebhook").unwrap().check_body(None).unwrap();
    of("getWebhook").unwrap().check_body(None).unwrap();
}

#[test]
fn null_is_refused_where_it_is_a_kind_but_no_choice() {
    let event_type = &entity("Webhook")
        .unwrap()
        .field("event_type")
        .unwrap()
        .shape;
    assert!(!event_type.is_nullable());
    assert!(!event_type.fits(&json!(null)));
    assert!(event_type.fits(&json!("email_sent")));
    let mode = &entity("InboxPlacementTest")
        .unwrap()
        .field("delivery_mode")
        .unwrap()
        .shape;
    assert!(mode.is_nullable() && mode.fits(&json!(null)) && mode.fits(&json!(1.0)));
}

#[test]
fn one_variant_of_a_subsequence_is_live() {
    let variant = |disabled| json!({"subject": "s", "body": "b", "v_disabled": disabled});
    let sequences = |variants: serde_json::Value| {
        let steps = json!([{"type": "email", "delay": 1, "variants": variants}]);
        said(
            "patchCampaignSubsequence",
            json!({"sequences": [{"steps": steps}]}),
        )
    };
    assert_eq!(sequences(json!([variant(true), variant(false)])), "");
    assert_eq!(
        sequences(json!([variant(true)])),
        "body/sequences/0/steps/0/variants must contain at least 1 valid item(s)"
    );
}

#[test]
fn a_long_name_from_outside_is_not_quoted_whole() {
    let body = json!({"target_hook_url": "http://a/", "headers": {"k".repeat(100_000): 1}});
    let refused = said("createWebhook", body);
    assert!(
        refused.len() < 700 && refused.ends_with("… must be string"),
        "{}",
        refused.len()
    );
}

#[test]
fn a_query_is_read_by_the_types_of_its_parameters() {
    let list = of("listWebhook").unwrap();
    let read = |pairs: &[(&str, &str)]| list.read_query(pairs).map_err(|v| v.to_string());
    let refused = |pairs: &[(&str, &str)]| read(pairs).unwrap_err();

    let found = read(&[("limit", "1e2"), ("starting_after", "7"), ("unknown", "x")]).unwrap();
    assert_eq!(json!(found), json!({"limit": 100, "starting_after": "7"}));
    assert_eq!(
        refused(&[("limit", "101")]),
        "querystring/limit must be <= 100"
    );
    for text in ["", "ten", "1.5", "0x10", "1e999", "nan", "inf", " 1"] {
        assert_eq!(
            refused(&[("limit", text)]),
            "querystring/limit must be integer",
            "{text}"
        );
    }
    assert_eq!(
        refused(&[("limit", "1"), ("limit", "2")]),
        "querystring/limit must be integer"
    );
    assert_eq!(
        refused(&[("campaign", "x")]),
        "querystring/campaign must match format \"uuid\""
    );

    let analytics = of("getCampaignAnalytics").unwrap();
    let id = "019ffad2-9ba1-7bc9-8d59-2dc06bc9bc75";
    let found = analytics.read_query(&[("ids", id)]).unwrap();
    assert_eq!(
        json!(found),
        json!({"ids": [id], "exclude_total_leads_count": false})
    );
    let found = analytics.read_query(&[("ids", id), ("ids", id)]).unwrap();
    assert_eq!(found["ids"], json!([id, id]));
    let both = format!("{id},{id}");
    let refused = analytics.read_query(&[("ids", both.as_str())]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "querystring/ids/0 must match format \"uuid\""
    );
    let flag = analytics
        .read_query(&[("exclude_total_leads_count", "1")])
        .unwrap_err();
    assert_eq!(
        flag.to_string(),
        "querystring/exclude_total_leads_count must be boolean"
    );

    let by_path = of("getWebhook")
        .unwrap()
        .read_path(&[("id", "x")])
        .unwrap_err();
    assert_eq!(by_path.to_string(), "params/id must match format \"uuid\"");
}

#[test]
fn a_required_parameter_is_missed_before_others_are_read() {
    let op = of("listInboxPlacementAnalytics").unwrap();
    let refused = op.read_query(&[("limit", "0")]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "querystring must have required property 'test_id'"
    );
}

#[test]
fn defaults_are_filled_in_at_every_depth() {
    let body = of("createCampaign").unwrap().body.as_ref().unwrap();
    let mut value = json!({"sequences": [{"steps": [{"delay_unit": "hours"}, {}]}]});
    body.shape.fill_defaults(&mut value);
    assert_eq!(value["sequences"][0]["steps"][0]["delay_unit"], "hours");
    assert_eq!(value["sequences"][0]["steps"][1]["delay_unit"], "days");
}

#[test]
fn of_alternatives_that_exclude_each_other_not_two_may_fit() {
    let answer = of("sendTestEmail")
        .unwrap()
        .success()
        .unwrap()
        .1
        .json()
        .unwrap();
    assert!(answer.fits(&json!({"status": "success"})));
    let both = json!({"status": "success", "error": "ACC_NOT_FOUND"});
    let refused = answer
        .check(&both)
        .unwrap_err()
        .under("response")
        .to_string();
    assert_eq!(refused, "response must match exactly one schema in oneOf");
    let neither = answer
        .check(&json!({}))
        .unwrap_err()
        .under("response")
        .to_string();
    assert_eq!(
        neither,
        "response must have required property 'status', response must have required property \
         'error', response must match exactly one schema in oneOf"
    );
}
