//! The configuration read: defaults, every setting, and faults.

use super::*;

#[test]
fn the_commented_default_is_the_default() {
    assert_eq!(Config::parse(DEFAULT).unwrap(), Config::default());
    assert_eq!(Config::parse("").unwrap(), Config::default());
}

fn settings() -> impl Iterator<Item = &'static str> {
    DEFAULT
        .lines()
        .filter(|line| line.contains(" = ") && !line.starts_with('#'))
}

/// What is commented out is right as well.
#[test]
fn the_examples_of_the_default_can_be_taken_as_they_are() {
    let text: String = DEFAULT
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest)
                if rest.starts_with('[') || rest.contains(" = \"") || rest.contains(" = [") =>
            {
                rest
            }
            _ => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let config = Config::parse(&text).unwrap_or_else(|faults| panic!("{}", faults.told("it")));
    assert_eq!(config.audit.sinks.len(), 3);
    assert_eq!(config.alerts.channels.len(), 3);
    assert_eq!(config.ledger.witnesses.len(), 1);
    let rotation = (config.rotation.keys.len(), config.rotation.consumers.len());
    assert_eq!(rotation, (1, 2));
    assert!(config.ledger.transit.is_some());
}

const CHECK_LISTS: [&str; 6] = [
    "email_domains",
    "own_domains",
    "competitors",
    "do_not_contact",
    "webhook_hosts",
    "sub_workspaces",
];

/// Every setting stands in the commented default: what is taken away there is told by a test of
/// another value for each.
#[test]
fn every_setting_of_the_default_counts() {
    for line in settings() {
        let (name, value) = line.split_once(" = ").unwrap();
        let other = match value.parse::<usize>() {
            Ok(number) if name == "sample_percent" => (number - 1).to_string(),
            Ok(number) => (number + 1).to_string(),
            Err(_) if name == "listen" => "\"[::1]:9\"".to_owned(),
            Err(_) if ["plain_http", "propagate", "allow_exec"].contains(&name) => {
                "true".to_owned()
            }
            Err(_) if name == "exec_environment" => "[\"TOKEN\"]".to_owned(),
            Err(_) if name == "age_recipients" => {
                let key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
                format!("[\"{key}\"]")
            }
            Err(_) if name == "watch" || name == "enabled" => "false".to_owned(),
            Err(_) if CHECK_LISTS.contains(&name) => "[\"other.example\"]".to_owned(),
            Err(_) if ["trusted_proxies", "allow_private"].contains(&name) => {
                "[\"10.0.0.0/8\"]".to_owned()
            }
            Err(_) if name == "egress" => "[\"203.0.113.7\"]".to_owned(),
            Err(_) if name == "pepper" || name == "key" => "\"env://PEPPER\"".to_owned(),
            Err(_) if name == "pages" || name == "access" => "\"open\"".to_owned(),
            Err(_) if name == "reads" => "\"durable\"".to_owned(),
            Err(_) if name == "reads_without" => "\"allow\"".to_owned(),
            Err(_) if name == "format" => "\"json\"".to_owned(),
            Err(_) if name == "as_workspace" => "\"sub\"".to_owned(),
            Err(_) if ["rotate_every", "age_alert", "overlap"].contains(&name) => {
                "\"2h\"".to_owned()
            }
            Err(_) if name == "every" => "\"0\"".to_owned(),
            Err(_) if name == "alert_from" => "\"low\"".to_owned(),
            Err(_) if name == "jitter" => "\"7%\"".to_owned(),
            Err(_) if name == "windows" => "[\"daily 01:00-02:00\"]".to_owned(),
            Err(_) => "\"debug\"".to_owned(),
        };
        let text = DEFAULT.replace(line, &format!("{name} = {other}"));
        assert_ne!(Config::parse(&text).unwrap(), Config::default(), "{name}");
    }
}

#[test]
fn all_faults_are_told_at_once_with_their_lines() {
    let text = "\
data_dir = 7
pepper = \"ZGVhZGJlZWY\"
[gateway]
listen = \"everywhere\"
conections = 5
headers = 2
[gateway.seconds]
drain = \"30\"
[gatway]
listen = \"127.0.0.1:1\"
[log]
format = \"xml\"
";
    let told = Config::parse(text).unwrap_err().told("doorward.toml");
    insta::assert_snapshot!(told, @r#"
    the configuration has 8 faults:
      doorward.toml:1:12: data_dir: it must be text in quotes
      doorward.toml:2:10: pepper: not a secret reference: write env://NAME or file:///path (the text is not shown, since it may be the secret itself)
      doorward.toml:4:10: gateway.listen: write an address like 127.0.0.1:4180
      doorward.toml:5:1: gateway.conections is no setting; did you mean gateway.connections?
      doorward.toml:6:11: gateway.headers: it must be a whole number from 16 to 1000
      doorward.toml:8:9: gateway.seconds.drain: it must be a whole number from 1 to 86400
      doorward.toml:9:2: gatway is no setting; did you mean gateway?
      doorward.toml:12:10: log.format: choose "text" or "json"
    "#);
}

#[test]
fn broken_toml_is_told_with_its_lines() {
    let told = Config::parse("a = \nb = 1\nc = ]\n")
        .unwrap_err()
        .told("x.toml");
    assert!(
        told.contains("x.toml:1:") && told.contains("x.toml:3:"),
        "{told}"
    );
}

#[test]
fn a_pasted_key_is_not_repeated() {
    let told = Config::parse("pepper = \"canary-secret\"")
        .unwrap_err()
        .told("x");
    assert!(!told.contains("canary"), "{told}");
}
