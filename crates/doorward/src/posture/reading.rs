//! How each part of a workspace is read. What comes from Instantly is bounded, made one line, and kept
//! without secrets.

use std::collections::BTreeSet;

use doorward_catalog::Op;
use doorward_catalog::wire::{AuditLog, BlockListEntry, Webhook, WebhookEvent, WorkspaceMember};
use doorward_policy::Timestamp;
use doorward_posture::live::{
    Activity, BlockList, Deliveries, Group, ListedKey, Member, Membership, Part, Subscription,
    Unsubscribed, WorkspaceRecord,
};
use doorward_upstream::resources::{
    AuditLogFilter, BlockListFilter, MemberFilter, WebhookEventFilter, WebhookFilter,
};
use doorward_upstream::{Call, Client, Error, Items};
use serde_json::{Value, json};

use super::collect::Failed;
use super::fingerprint::Fingerprints;
use crate::admin::may_be_secret;
use crate::inventory::list_keys;
use crate::output::clean;
use crate::scrubbed::scrub;

/// Most characters of a text, and of a URL.
const TEXT_MAX: usize = 256;
const URL_MAX: usize = 4_096;
/// Most headers of a subscription, scopes of a key, permissions of a member.
const FEW: usize = 256;
const DAY_MS: i64 = 86_400_000;
/// Days of deliveries that are looked at.
const DELIVERY_DAYS: i64 = 14;

/// A text of Instantly's: one line, bounded, without what secrets it may hold.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(TEXT_MAX).collect();
    match may_be_secret(&short) {
        true => "(not shown)".to_owned(),
        false => scrub(clean(&short)),
    }
}

/// An id or an address: bounded and one line, else as it is.
fn plain(text: &str) -> String {
    clean(&text.chars().take(TEXT_MAX).collect::<String>())
}

/// Every item, made into what is kept of it.
async fn each<T, U>(
    mut items: Items<T>,
    part: Part,
    told: impl Fn(usize),
    mut keep: impl FnMut(T) -> U,
) -> Result<Vec<U>, Failed> {
    let mut all = Vec::new();
    while let Some(item) = items.next().await {
        if all.len() == part.most() {
            return Err(Failed::TooMuch);
        }
        all.push(keep(item?));
        tell_now_and_then(all.len(), &told);
    }
    told(all.len());
    Ok(all)
}

/// Not for each of a million.
fn tell_now_and_then(count: usize, told: &impl Fn(usize)) {
    if count.is_multiple_of(100) {
        told(count);
    }
}

pub(super) async fn workspace(client: Client) -> Result<WorkspaceRecord, Failed> {
    let record = client.workspace().get().await?;
    Ok(WorkspaceRecord {
        id: plain(&record.id),
        name: shown(&record.name),
        owner: plain(&record.owner),
        blocks_unsubscribed: record.add_unsub_to_block == Some(true),
        removal_at: record
            .scheduled_for_removal_at
            .and_then(|at| at.parse().ok()),
    })
}

pub(super) async fn keys(client: Client, told: impl Fn(usize)) -> Result<Vec<ListedKey>, Failed> {
    let (listing, _) = list_keys(&client).await?;
    if !listing.whole {
        return Err(Failed::TooMuch);
    }
    told(listing.keys.len());
    let keys = listing.keys.into_iter().map(|key| ListedKey {
        id: key.api_key_id,
        name: key.name,
        scopes: key.scopes,
        created_at: key.created_at,
    });
    Ok(keys.collect())
}

pub(super) async fn subscriptions(
    client: Client,
    fingerprints: &Fingerprints,
    told: impl Fn(usize),
) -> Result<Vec<Subscription>, Failed> {
    let listed = client.webhooks().list(&WebhookFilter::default());
    each(listed, Part::Subscriptions, told, |webhook: Webhook| {
        let headers = webhook.headers.iter().flatten().take(FEW);
        Subscription {
            id: plain(&webhook.id),
            name: webhook.name.as_deref().map(shown),
            url: clean(
                &webhook
                    .target_hook_url
                    .chars()
                    .take(URL_MAX)
                    .collect::<String>(),
            ),
            event_type: webhook.event_type.as_deref().map(shown),
            custom_interest_value: webhook.custom_interest_value,
            campaign: webhook.campaign.as_deref().map(plain),
            headers: headers
                .map(|(name, value)| (shown(name), fingerprints.of(value.expose_secret())))
                .collect(),
            disabled: webhook.is_disabled(),
            disabled_at: webhook.timestamp_error.and_then(|at| at.parse().ok()),
            created_at: webhook.timestamp_created.parse().ok(),
        }
    })
    .await
}

pub(super) async fn deliveries(
    client: Client,
    now: Timestamp,
    told: impl Fn(usize),
) -> Result<Deliveries, Failed> {
    let from = day(now.plus_millis(-DELIVERY_DAYS * DAY_MS));
    let filter = WebhookEventFilter {
        from: Some(from.clone()),
        ..WebhookEventFilter::default()
    };
    let mut seen = Deliveries {
        from,
        whole: true,
        ..Deliveries::default()
    };
    let mut items = client.webhook_events().list(&filter);
    let mut count = 0;
    while let Some(event) = items.next().await {
        let event: WebhookEvent = event?;
        if count == Part::Deliveries.most() {
            seen.whole = false;
            break;
        }
        let url: String = event.webhook_url.chars().take(URL_MAX).collect();
        seen.add(&clean(&url), event.success);
        count += 1;
        tell_now_and_then(count, &told);
    }
    told(count);
    Ok(seen)
}

pub(super) async fn members(client: Client, told: impl Fn(usize)) -> Result<Vec<Member>, Failed> {
    let listed = client.members().list(&MemberFilter::default());
    each(listed, Part::Members, told, |member: WorkspaceMember| {
        let name = name_of(&member);
        let permissions = member.permissions.into_iter().flatten().take(FEW);
        Member {
            id: plain(&member.id),
            user_id: plain(&member.user_id),
            email: plain(&member.email),
            name,
            nickname: member
                .nickname
                .as_deref()
                .map(shown)
                .filter(|name| !name.trim().is_empty()),
            role: member.role,
            permissions: permissions.map(|one| shown(&one)).collect(),
            accepted: member.accepted,
            created_at: member.timestamp_created.parse().ok(),
        }
    })
    .await
}

/// First and last name, which stand in `name` beside what is documented.
fn name_of(member: &WorkspaceMember) -> Option<String> {
    let name = member.extra.get("name")?;
    let parts = ["first", "last"].map(|part| name.get(part).and_then(Value::as_str));
    let parts: Vec<&str> = parts
        .into_iter()
        .flatten()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    (!parts.is_empty()).then(|| shown(&parts.join(" ")))
}

pub(super) async fn group(client: Client, told: impl Fn(usize)) -> Result<Group, Failed> {
    let members = each(
        client.group_members().list(),
        Part::Group,
        told,
        |member: doorward_catalog::wire::WorkspaceGroupMember| Membership {
            id: plain(&member.id),
            workspace_id: plain(&member.sub_workspace_id),
            name: member.sub_workspace_name.as_deref().map(shown),
            status: member.status,
        },
    )
    .await?;
    // Who is in none may be told so by 404.
    let admin = match client.group_members().admin().await {
        Ok(admin) if admin.has_admin_workspace => Some(shown(&admin.workspace_name)),
        Ok(_) | Err(Error::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Group { admin, members })
}

pub(super) async fn block_list(client: Client, told: impl Fn(usize)) -> Result<BlockList, Failed> {
    let mut items = client.block_list().list(&BlockListFilter::default());
    let mut list = BlockList::default();
    while let Some(entry) = items.next().await {
        let entry: BlockListEntry = entry?;
        if list.len() == Part::BlockList.most() {
            return Err(Failed::TooMuch);
        }
        list.push(&plain(&entry.bl_value), &plain(&entry.id))
            .map_err(|_| Failed::TooMuch)?;
        tell_now_and_then(list.len(), &told);
    }
    told(list.len());
    list.sort();
    Ok(list)
}

pub(super) async fn unsubscribed(
    client: Client,
    told: impl Fn(usize),
) -> Result<Unsubscribed, Failed> {
    let call = Call::new(Op::ListLeads).json(&json!({ "filter": "FILTER_VAL_UNSUBSCRIBED" }))?;
    let mut leads = client.items::<Value>(call);
    let mut addresses = BTreeSet::new();
    let mut whole = true;
    let mut count = 0;
    while let Some(lead) = leads.next().await {
        let lead = lead?;
        if count == Part::Unsubscribed.most() {
            whole = false;
            break;
        }
        if let Some(email) = lead.get("email").and_then(Value::as_str) {
            addresses.insert(plain(email).trim().to_lowercase());
        }
        count += 1;
        tell_now_and_then(count, &told);
    }
    told(count);
    Ok(Unsubscribed {
        addresses: addresses.into_iter().collect(),
        whole,
    })
}

pub(super) async fn sending_domains(
    client: Client,
    told: impl Fn(usize),
) -> Result<BTreeSet<String>, Failed> {
    let accounts = client.items::<Value>(Call::new(Op::ListAccount));
    let domains = each(accounts, Part::SendingDomains, told, |account| {
        let email = account.get("email").and_then(Value::as_str);
        let domain = email.and_then(|email| email.rsplit_once('@'));
        domain.map(|(_, domain)| plain(domain).trim().to_lowercase())
    })
    .await?;
    Ok(domains.into_iter().flatten().collect())
}

pub(super) async fn activity(
    client: Client,
    since: Timestamp,
    told: impl Fn(usize),
) -> Result<Activity, Failed> {
    let filter = AuditLogFilter {
        start_date: Some(day(since)),
        ..AuditLogFilter::default()
    };
    let mut seen = Activity::since(since);
    let mut items = client.audit_logs().list(&filter);
    seen.whole = true;
    let mut count = 0;
    while let Some(entry) = items.next().await {
        let entry: AuditLog = entry?;
        if count == Part::Activity.most() {
            seen.whole = false;
            break;
        }
        seen.add(&entry);
        count += 1;
        tell_now_and_then(count, &told);
    }
    told(count);
    Ok(seen)
}

/// The day of a time, `YYYY-MM-DD`.
fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_sandbox::Sandbox;

    /// A client under the widest key of the seeded admin workspace.
    async fn seeded() -> (doorward_sandbox::Running, Client) {
        let sandbox = Sandbox::builder().build().unwrap();
        let running = sandbox.spawn("127.0.0.1:0").await.unwrap();
        let summary = running.sandbox.summary(&running.url);
        let key = summary.workspaces[0].keys[0].key.clone();
        let client = Client::builder().base_url(running.url.clone());
        let client = client.key(key.into()).build().unwrap();
        (running, client)
    }

    #[tokio::test]
    async fn each_part_of_a_workspace_is_read() {
        let (_running, client) = seeded().await;
        let client = || client.clone();
        let none = |_: usize| ();
        let fingerprints = Fingerprints::new().unwrap();
        let mut parts: [Option<&str>; 10] = [None; 10];
        let mut failed = |n: usize, name, found: bool| parts[n] = (!found).then_some(name);
        let got = workspace(client()).await.ok().unwrap();
        failed(0, "workspace", got.name == "Larkspur Agency");
        let got = keys(client(), none).await.ok().unwrap();
        failed(1, "keys", got.iter().any(|key| key.scopes == ["all:all"]));
        let got = subscriptions(client(), &fingerprints, none).await.ok();
        let got = got.unwrap();
        let headers = |one: &Subscription| one.headers.values().all(|value| value.len() == 32);
        failed(
            2,
            "subscriptions",
            got.iter().any(|one| one.disabled) && got.iter().all(headers),
        );
        let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        let got = deliveries(client(), now, none).await.ok().unwrap();
        let zap = got.by_url.get("https://hooks.zap.invalid/catch/1");
        failed(
            3,
            "deliveries",
            got.whole && zap.is_some_and(|tries| tries.failed == 40),
        );
        let got = members(client(), none).await.ok().unwrap();
        let named = got
            .iter()
            .any(|one| one.name.as_deref() == Some("Mara Quill"));
        failed(4, "members", named && got.iter().any(|one| !one.accepted));
        let got = group(client(), none).await.ok().unwrap();
        failed(5, "group", got.admin.is_none() && got.members.len() == 1);
        let got = block_list(client(), none).await.ok().unwrap();
        failed(6, "block list", got.blocks("ann@competitor.example"));
        let got = unsubscribed(client(), none).await.ok().unwrap();
        failed(7, "unsubscribed", got.whole && !got.addresses.is_empty());
        let got = sending_domains(client(), none).await.ok().unwrap();
        failed(
            8,
            "sending domains",
            got.contains("larkspur-agency.example"),
        );
        let since = now.plus_millis(-90 * DAY_MS);
        let got = activity(client(), since, none).await.ok().unwrap();
        failed(
            9,
            "activity",
            got.whole && got.entries > 11 && got.users.len() == 8,
        );
        assert_eq!(parts, [None; 10]);
    }
}
