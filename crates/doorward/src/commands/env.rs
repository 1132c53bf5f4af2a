//! `doorward env`: what a program needs to call through the gateway, written for where it runs.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use crate::admin::{ClientShow, Session};
use crate::caller::GatewayUrl;
use crate::cli::{EnvFormat, EnvOf};
use crate::context::Context;
use crate::credential::{demo_key, find_gateway};
use crate::demo::Demo;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::note;

/// By which name containers reach the machine they run on.
const DOCKER_HOST: &str = "host.docker.internal";

/// The variables that programs look for: the client key, and the base URL of the API by the names
/// that are in use. `INSTANTLY_BASE_URL` ends in `/api/v2`, as its default at Instantly does.
pub(super) fn variables(gateway: &str) -> [(&'static str, String); 3] {
    let api = format!("{gateway}/api/v2");
    [
        ("INSTANTLY_BASE_URL", api.clone()),
        ("INSTANTLY_API_URL", api),
        ("DOORWARD_GATEWAY_URL", gateway.to_owned()),
    ]
}

/// Runs `doorward env`.
pub(crate) async fn run(context: &Context, env: &EnvOf) -> Outcome {
    let session = Session::open(context).await?;
    let workspace = env.within.workspace.clone();
    let client = session
        .call(ClientShow {
            workspace,
            name: env.client.clone(),
        })
        .await?;
    let gateway = gateway(context, env.gateway.as_deref()).await?;
    let key = demo_key(context, &client)?;
    let settings = Settings {
        client: client.name,
        gateway,
        key,
    };
    let output = context.output;
    if output.is_json() {
        output.value(&settings.json(env.format))?;
        return Ok(Exit::Done);
    }
    settings.advise(env.format);
    output.line(match env.format {
        EnvFormat::Dotenv => settings.dotenv(),
        EnvFormat::Shell => settings.shell(),
        EnvFormat::Compose => settings.compose(),
        EnvFormat::K8s => settings.k8s(),
    })?;
    Ok(Exit::Done)
}

/// The gateway that is named or runs, else where the configuration has it.
async fn gateway(context: &Context, named: Option<&str>) -> Result<GatewayUrl, Failure> {
    let listen = context.config.gateway.listen;
    let is_demo = Demo::read(&context.data_dir)?.is_some();
    match find_gateway(context, named).await {
        Err(_) if named.is_none() && !is_demo && listen.port() != 0 => {
            note("no gateway runs now; this is where the configuration has it");
            GatewayUrl::parse(&format!("http://{listen}"))
        }
        found => found,
    }
}

/// What is written.
struct Settings {
    client: String,
    gateway: GatewayUrl,
    /// Known for the demo's clients alone.
    key: Option<SecretString>,
}

impl Settings {
    fn key(&self) -> Option<&str> {
        self.key.as_ref().map(ExposeSecret::expose_secret)
    }

    fn key_or_placeholder(&self) -> &str {
        self.key().unwrap_or("<client key>")
    }

    fn variables(&self) -> [(&'static str, String); 3] {
        variables(&self.gateway.to_string())
    }

    /// Tells on stderr what the text alone does not.
    fn advise(&self, format: EnvFormat) {
        let client = &self.client;
        if self.key.is_none() && format == EnvFormat::K8s {
            note(format_args!(
                "make the secret with: doorward key issue {client} | kubectl create secret generic \
                 {} --from-file=INSTANTLY_API_KEY=/dev/stdin",
                self.secret_name()
            ));
        } else if self.key.is_none() {
            note(format_args!(
                "the key of '{client}' was shown when it was issued and is not known here; put it \
                 in, or issue another with `doorward key issue {client}`"
            ));
        }
        if matches!(format, EnvFormat::Compose | EnvFormat::K8s) && self.gateway.is_loopback() {
            note(
                "the gateway listens on this machine alone, so no container reaches it; let it \
                 listen on an address that containers reach, and say its URL with --gateway",
            );
        }
    }

    fn json(&self, format: EnvFormat) -> Value {
        let mut variables = Map::new();
        variables.insert("INSTANTLY_API_KEY".to_owned(), json!(self.key()));
        let gateway = match format {
            EnvFormat::Compose => self.gateway_in_docker(),
            _ => self.gateway.to_string(),
        };
        for (name, value) in self::variables(&gateway) {
            variables.insert(name.to_owned(), value.into());
        }
        json!({ "client": self.client, "key_known": self.key.is_some(), "variables": variables })
    }

    fn dotenv(&self) -> String {
        let mut lines = vec![format!("INSTANTLY_API_KEY={}", self.key_or_placeholder())];
        lines.extend(
            self.variables()
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        lines.join("\n")
    }

    fn shell(&self) -> String {
        let key = self.key_or_placeholder();
        let mut lines = vec![format!(
            "export INSTANTLY_API_KEY='{}'",
            key.replace('\'', "'\\''")
        )];
        lines.extend(
            self.variables()
                .iter()
                .map(|(name, value)| format!("export {name}='{value}'")),
        );
        lines.join("\n")
    }

    /// Where a container that Docker runs on this machine has the gateway.
    fn gateway_in_docker(&self) -> String {
        match (self.gateway.is_loopback(), self.gateway.port()) {
            (true, Some(port)) => format!("http://{DOCKER_HOST}:{port}"),
            _ => self.gateway.to_string(),
        }
    }

    /// A service's part of a compose file. The key comes from the shell or the .env file that
    /// compose reads, so that the file itself can be kept in a repository.
    fn compose(&self) -> String {
        let gateway = self.gateway_in_docker();
        let key = match self.key() {
            Some(key) => key.to_owned(),
            None => "${INSTANTLY_API_KEY:?set it to the client key}".to_owned(),
        };
        let mut lines = vec![
            "services:".to_owned(),
            "  n8n:".to_owned(),
            "    environment:".to_owned(),
            format!("      INSTANTLY_API_KEY: \"{key}\""),
        ];
        lines.extend(
            variables(&gateway)
                .iter()
                .map(|(name, value)| format!("      {name}: \"{value}\"")),
        );
        if self.gateway.is_loopback() {
            lines.push("    extra_hosts:".to_owned());
            lines.push(format!("      - \"{DOCKER_HOST}:host-gateway\""));
        }
        lines.join("\n")
    }

    fn secret_name(&self) -> String {
        // A client's name may have what a Kubernetes name may not.
        let name: String = self
            .client
            .chars()
            .map(|c| if c == '_' { '-' } else { c })
            .collect();
        format!("doorward-{}", name.trim_end_matches(['-', '.']))
    }

    /// A container's variables, and the secret they refer to when the key is known.
    fn k8s(&self) -> String {
        let name = self.secret_name();
        let mut lines = Vec::new();
        if let Some(key) = self.key() {
            lines.extend([
                "apiVersion: v1".to_owned(),
                "kind: Secret".to_owned(),
                "metadata:".to_owned(),
                format!("  name: {name}"),
                "stringData:".to_owned(),
                format!("  INSTANTLY_API_KEY: \"{key}\""),
                "---".to_owned(),
            ]);
        }
        lines.extend([
            "# for the container's spec".to_owned(),
            "env:".to_owned(),
            "  - name: INSTANTLY_API_KEY".to_owned(),
            "    valueFrom:".to_owned(),
            "      secretKeyRef:".to_owned(),
            format!("        name: {name}"),
            "        key: INSTANTLY_API_KEY".to_owned(),
        ]);
        for (variable, value) in self.variables() {
            lines.push(format!("  - name: {variable}"));
            lines.push(format!("    value: \"{value}\""));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(gateway: &str, key: Option<&str>) -> Settings {
        Settings {
            client: "lead_import".to_owned(),
            gateway: GatewayUrl::parse(gateway).unwrap(),
            key: key.map(SecretString::from),
        }
    }

    #[test]
    fn a_known_key_is_written_and_an_unknown_one_is_referred_to() {
        let known = settings("http://127.0.0.1:4180", Some("dwk_p_key"));
        insta::assert_snapshot!(known.dotenv(), @r#"
        INSTANTLY_API_KEY=dwk_p_key
        INSTANTLY_BASE_URL=http://127.0.0.1:4180/api/v2
        INSTANTLY_API_URL=http://127.0.0.1:4180/api/v2
        DOORWARD_GATEWAY_URL=http://127.0.0.1:4180
        "#);
        insta::assert_snapshot!(known.k8s(), @r#"
        apiVersion: v1
        kind: Secret
        metadata:
          name: doorward-lead-import
        stringData:
          INSTANTLY_API_KEY: "dwk_p_key"
        ---
        # for the container's spec
        env:
          - name: INSTANTLY_API_KEY
            valueFrom:
              secretKeyRef:
                name: doorward-lead-import
                key: INSTANTLY_API_KEY
          - name: INSTANTLY_BASE_URL
            value: "http://127.0.0.1:4180/api/v2"
          - name: INSTANTLY_API_URL
            value: "http://127.0.0.1:4180/api/v2"
          - name: DOORWARD_GATEWAY_URL
            value: "http://127.0.0.1:4180"
        "#);
        let unknown = settings("https://doorward.example", None);
        insta::assert_snapshot!(unknown.shell(), @r#"
        export INSTANTLY_API_KEY='<client key>'
        export INSTANTLY_BASE_URL='https://doorward.example/api/v2'
        export INSTANTLY_API_URL='https://doorward.example/api/v2'
        export DOORWARD_GATEWAY_URL='https://doorward.example'
        "#);
        insta::assert_snapshot!(unknown.k8s(), @r#"
        # for the container's spec
        env:
          - name: INSTANTLY_API_KEY
            valueFrom:
              secretKeyRef:
                name: doorward-lead-import
                key: INSTANTLY_API_KEY
          - name: INSTANTLY_BASE_URL
            value: "https://doorward.example/api/v2"
          - name: INSTANTLY_API_URL
            value: "https://doorward.example/api/v2"
          - name: DOORWARD_GATEWAY_URL
            value: "https://doorward.example"
        "#);
    }

    #[test]
    fn containers_reach_this_machine_by_another_name() {
        let known = settings("http://127.0.0.1:4180", Some("dwk_p_key"));
        insta::assert_snapshot!(known.compose(), @r#"
        services:
          n8n:
            environment:
              INSTANTLY_API_KEY: "dwk_p_key"
              INSTANTLY_BASE_URL: "http://host.docker.internal:4180/api/v2"
              INSTANTLY_API_URL: "http://host.docker.internal:4180/api/v2"
              DOORWARD_GATEWAY_URL: "http://host.docker.internal:4180"
            extra_hosts:
              - "host.docker.internal:host-gateway"
        "#);
        let unknown = settings("http://doorward:4180", None);
        insta::assert_snapshot!(unknown.compose(), @r#"
        services:
          n8n:
            environment:
              INSTANTLY_API_KEY: "${INSTANTLY_API_KEY:?set it to the client key}"
              INSTANTLY_BASE_URL: "http://doorward:4180/api/v2"
              INSTANTLY_API_URL: "http://doorward:4180/api/v2"
              DOORWARD_GATEWAY_URL: "http://doorward:4180"
        "#);
    }
}
