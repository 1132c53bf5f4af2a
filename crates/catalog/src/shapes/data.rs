//! The embedded text, one file a resource area.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// Name and text of every file.
        pub(super) const FILES: &[(&str, &str)] =
            &[$((concat!($name, ".txt"), include_str!(concat!("../../data/shapes/", $name, ".txt"))),)*];
    };
}

files![
    "common",
    "accounts",
    "api_keys",
    "audit_logs",
    "background_jobs",
    "billing",
    "block_list",
    "campaign_analytics",
    "campaigns",
    "crm_actions",
    "custom_tags",
    "dfy_orders",
    "email_verification",
    "emails",
    "inbox_placement",
    "inbox_placement_reports",
    "lead_labels",
    "lead_lists",
    "leads",
    "members",
    "oauth",
    "search_filters",
    "subsequences",
    "supersearch",
    "templates",
    "webhook_events",
    "webhooks",
    "workspaces",
];
