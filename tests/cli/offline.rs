//! What needs no server: the catalog's knowledge, help, completions, configuration.

use std::path::Path;

use crate::harness::{Ran, run};

fn here(arguments: &[&str]) -> Ran {
    run(Path::new("/"), arguments)
}

#[test]
fn scopes_are_planned_for_people() {
    let plan = here(&["scopes", "plan", "--use-case", "lead-import"]).ended(0);
    insta::assert_snapshot!(plan.stdout, @r#"
    SCOPE              RISK    FOR
    campaigns:read     medium  listCampaign, getCampaign
    lead_lists:create  medium  createLeadList
    lead_lists:read    low     listLeadList, getLeadList, getVerificationStats*
    leads:create       medium  createLead, bulkAddLeads
    leads:read         medium  listLeads, getLead

    * the vendor does not document this operation's scope; it is assumed, and the API's own answer may name another
    upstream key  campaigns:read, lead_lists:create, lead_lists:read, leads:create, leads:read
    client        campaigns:read, lead_lists:create, lead_lists:read, leads:create, leads:read
    operations    10
    risk          medium: listCampaign shows people's data
    environments  staging, production
    "#);
    let plan = here(&[
        "scopes",
        "plan",
        "--operation",
        "POST /api/v2/leads",
        "--has",
        "all:read",
    ]);
    insta::assert_snapshot!(plan.ended(1).stdout, @r#"
    SCOPE         RISK    FOR
    leads:create  medium  createLead

    upstream key  leads:create
    client        leads:create
    operations    1
    risk          medium: createLead changes the workspace's data
    environments  staging, production

    lacks leads:create: 1 operation is not covered (createLead)
    excessive all:read: make a key without
    "#);
}

#[test]
fn scopes_are_planned_for_programs() {
    let plan = here(&[
        "scopes",
        "plan",
        "-u",
        "lead-import",
        "--has",
        "leads:all",
        "--json",
    ]);
    let plan = plan.ended(1).json();
    assert_eq!(plan["upstream_scopes"].as_array().unwrap().len(), 5);
    assert_eq!(plan["held"]["lacks"].as_array().unwrap().len(), 3);
    assert_eq!(
        plan["environments"],
        serde_json::json!(["staging", "production"])
    );
    // A scope that no key can be given is told, with what covers it instead.
    let plan = here(&[
        "scopes",
        "plan",
        "--operation",
        "getEnrichmentHistory",
        "--json",
    ])
    .ended(0);
    let choice = &plan.json()["choices"][0];
    assert_eq!(choice["scope"], "all:read");
    assert!(
        choice["wider_because"]
            .as_str()
            .unwrap()
            .contains("supersearch_enrichments:read")
    );
}

#[test]
fn everything_of_the_catalog_is_explained() {
    let all = here(&["scopes", "list", "--json"]).ended(0).json();
    assert_eq!(all.as_array().unwrap().len(), 178);
    let all = here(&["scopes", "list", "--operations", "--json"])
        .ended(0)
        .json();
    assert_eq!(all.as_array().unwrap().len(), 173);
    let explained = here(&["scopes", "explain", "POST", "/api/v2/campaigns/x/activate"]).ended(0);
    insta::assert_snapshot!(explained.stdout, @r#"
    operation     activateCampaign
    call          POST /api/v2/campaigns/{id}/activate
    scope         campaigns:update
    known         stated in the vendor's API document
    accepted      campaigns:update, campaigns:all, all:update, all:all
    writes        yes
    returns       people's data
    risk          high
    why           it makes e-mail leave the team's domains
    use cases     campaign-launcher, full-automation
    environments  production
    "#);
    for what in [
        "leads:create",
        "lead-import",
        "supersearch_enrichments:read",
        "createlead",
    ] {
        here(&["scopes", "explain", what]).ended(0);
    }
    for (what, says) in [
        ("lead:create", "did you mean `leads:create`?"),
        ("GET /api/v2/nothing", "scopes list --operations"),
        ("nonsense", "scopes list --operations"),
    ] {
        let ended = here(&["scopes", "explain", what]).ended(2);
        assert!(ended.stderr.contains(says), "{ended:?}");
    }
}

#[test]
fn usage_is_refused_with_code_2_and_help_is_no_failure() {
    here(&["--help"]).ended(0);
    here(&["client", "create", "--help"]).ended(0);
    here(&["--version"]).ended(0);
    for wrong in [
        &["nonsense"][..],
        &[],
        &["up", "--listen", "everywhere"],
        &["run", "--as", "x"],
    ] {
        here(wrong).ended(2);
    }
}

#[test]
fn commands_with_no_state_say_how_to_make_it() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["client", "list"][..],
        &["workspace", "list"],
        &["key", "list"],
        &["serve"],
        &["env", "x"],
        &["run", "--as", "x", "--", "true"],
    ] {
        let ended = run(folder.path(), arguments).ended(2);
        assert!(ended.stderr.contains("doorward init"), "{ended:?}");
    }
    let ended = run(folder.path(), &["api", "GET", "campaigns"]).ended(1);
    assert!(ended.stderr.contains("doorward up"), "{ended:?}");
    assert!(!folder.path().join(".doorward").exists());
}

#[test]
fn completions_and_man_pages_come_from_the_same_definitions() {
    for shell in ["bash", "zsh", "fish"] {
        let script = here(&["completions", shell]).ended(0).stdout;
        assert!(
            script.contains("doorward") && script.contains("workspace"),
            "{shell}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["man", "pages"]).ended(0);
    let page = std::fs::read_to_string(folder.path().join("pages/doorward-client-create.1"));
    assert!(page.unwrap().contains("use\\-case"));
    assert!(folder.path().join("pages/doorward.1").exists());
}

#[test]
fn init_writes_what_serve_reads_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let made = run(path, &["init", "--json"]).ended(0).json();
    assert_eq!(
        (&made["config_written"], &made["pepper_made"]),
        (&true.into(), &true.into())
    );
    let pepper = std::fs::read(path.join(".doorward/secrets/pepper")).unwrap();
    std::fs::write(path.join("doorward.toml"), "[log]\nlevel = \"debug\"\n").unwrap();
    let kept = run(path, &["init", "--json"]).ended(0).json();
    assert_eq!(
        (&kept["config_written"], &kept["pepper_made"]),
        (&false.into(), &false.into())
    );
    assert_eq!(
        std::fs::read(path.join(".doorward/secrets/pepper")).unwrap(),
        pepper
    );

    std::fs::write(
        path.join("doorward.toml"),
        "[gatway]\nlisten = 1\n[log]\nlevel = 3\n",
    )
    .unwrap();
    let ended = run(path, &["client", "list"]).ended(2);
    for says in [
        "2 faults",
        "doorward.toml:1:2: gatway is no setting",
        "doorward.toml:4:9: log.level",
    ] {
        assert!(ended.stderr.contains(says), "{says}: {ended:?}");
    }
    let ended = run(path, &["--config", "nowhere.toml", "client", "list"]).ended(2);
    assert!(ended.stderr.contains("nowhere.toml"), "{ended:?}");
}

#[test]
fn programs_are_told_what_is_wrong_in_json() {
    let told = here(&["up", "--listen", "everywhere", "--json"]).ended(2);
    let told: serde_json::Value = serde_json::from_str(&told.stderr).unwrap();
    assert_eq!(told["error"]["exit_code"], 2);
    assert!(
        told["error"]["message"]
            .as_str()
            .unwrap()
            .contains("--listen")
    );
}
