//! Settings that would give a secret away are refused, with where they stand and what to write.

use std::fs;

use crate::harness::run;

#[test]
fn a_secret_is_neither_written_out_nor_sent_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    run(path, &["init"]).ended(0);
    let text = "[[alerts.channel]]\nto = \"slack\"\nurl = \"https://hooks.example/T0/canary\"\n\
                [traces]\nendpoint = \"http://otel.example:4318\"\n";
    fs::write(path.join("doorward.toml"), text).unwrap();
    for command in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["client", "list"],
    ] {
        let refused = run(path, command).ended(2);
        for told in [
            "doorward.toml:3:7: alerts.channel.url: whoever has this address can post",
            "file:secrets/slack-webhook-url",
            "doorward.toml:5:12: traces.endpoint: plain http is for this machine alone",
        ] {
            assert!(refused.stderr.contains(told), "{told}: {refused:?}");
        }
        assert!(!refused.stderr.contains("canary"), "{refused:?}");
    }
}
