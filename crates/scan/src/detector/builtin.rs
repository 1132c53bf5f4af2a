//! The detectors that come with Doorward.

use super::Detectors;

macro_rules! rules {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("rules/", $name, ".toml")))),*]
    };
}

/// Their files, by area; each is `rules/<name>.toml`.
const FILES: &[(&str, &str)] = rules![
    "doorward/client-key",
    "instantly/assignment",
    "instantly/bearer",
    "instantly/header-key",
    "instantly/upstream-key",
    "instantly/url-key",
    "instantly/v1-key",
    "instantly/webhook-secret",
    "instantly/wildcard-scope",
    "webhook/standard-secret",
    "airtable/token",
    "anthropic/api-key",
    "apollo/api-key",
    "aws/access-key",
    "aws/secret-key",
    "azure/storage-key",
    "clay/api-key",
    "clay/webhook",
    "close/api-key",
    "cloudflare/api-token",
    "digitalocean/token",
    "discord/bot-token",
    "discord/webhook",
    "gcp/api-key",
    "gcp/service-account",
    "generic/jwt",
    "generic/mailbox-password",
    "generic/private-key",
    "generic/url-password",
    "github/fine-grained-token",
    "github/token",
    "gitlab/token",
    "google/access-token",
    "google/app-password",
    "google/oauth-secret",
    "google/refresh-token",
    "heroku/api-key",
    "hubspot/private-app-token",
    "mailgun/api-key",
    "mailgun/private-key",
    "make/api-token",
    "make/webhook",
    "microsoft/client-secret",
    "microsoft/refresh-token",
    "n8n/api-key",
    "n8n/encryption-key",
    "notion/token",
    "npm/token",
    "openai/api-key",
    "pipedrive/api-token",
    "postmark/server-token",
    "pypi/token",
    "salesforce/token",
    "sendgrid/api-key",
    "slack/token",
    "slack/webhook",
    "stripe/secret-key",
    "supabase/secret-key",
    "telegram/bot-token",
    "twilio/auth-token",
    "vercel/token",
    "zapier/webhook",
];

impl Detectors {
    /// Those that come with Doorward.
    pub fn builtin() -> Self {
        // A test loads them: nothing is wrong with them.
        Self::read(FILES.iter().copied()).unwrap_or_default()
    }

    /// The files of those that come with Doorward: name and text.
    pub fn builtin_files() -> impl Iterator<Item = (&'static str, &'static str)> {
        FILES.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_loaded_and_passes_its_examples() {
        let files: Vec<_> = Detectors::builtin_files().collect();
        let loaded = Detectors::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
        assert_eq!(loaded.len(), FILES.len());
        let (_, faults) = loaded.self_check();
        assert!(faults.is_empty(), "{faults:#?}");
    }

    #[test]
    fn what_decides_on_a_hit_is_near_it() {
        let detectors = Detectors::builtin();
        for detector in detectors.rules() {
            println!("{} {}", detector.reach(), detector.id());
        }
        // A change of a blob costs so much around each of its parts.
        assert!(detectors.reach() <= 448, "{}", detectors.reach());
    }

    #[test]
    fn each_file_of_the_folder_is_one_of_them() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/detector/rules");
        let mut names = Vec::new();
        for area in std::fs::read_dir(&folder).expect("the folder") {
            for file in std::fs::read_dir(area.expect("an area").path()).expect("an area") {
                let path = file.expect("a file").path();
                let name = path
                    .strip_prefix(&folder)
                    .expect("below")
                    .with_extension("");
                names.push(name.to_string_lossy().into_owned());
            }
        }
        names.sort_unstable();
        let mut known: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        known.sort_unstable();
        assert_eq!(names, known);
    }
}
