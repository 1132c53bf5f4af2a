//! The settings of the server's own that are taken while it runs.

use std::sync::Arc;

use doorward_audit::{Audit, Sinks};
use doorward_gateway::{ApprovalDesk, Gateway, Idempotency};

use super::pages::Pages;
use super::settings::Settings;
use super::sinks;
use crate::alerts::AlertDesk;
use crate::exit::Failure;
use crate::record::recorded_secrets;

/// What of the settings is taken while the server runs, beside what other parts say of themselves.
pub(super) fn take_settings(
    settings: &Settings,
    gateway: &Gateway,
    pages: Pages,
    idempotency: Idempotency,
) {
    // One by commands alone, each of which reads it anew; one is asked for at the end, one by each check.
    let asked = &["audit.review_days", "gateway.seconds.announce", "check"];
    settings.on(asked, |_| Ok(Box::new(|| ())));
    settings.on(&["log.level"], |next| {
        let level = next.config.log.level.clone();
        Ok(Box::new(move || crate::log::set_level(&level)))
    });
    let pacing = pages.pacing.clone();
    settings.on(&["pace"], move |next| {
        let (pacing, settings) = (pacing.clone(), next.config.pace.settings.clone());
        settings.pace.check().map_err(Failure::usage)?;
        Ok(Box::new(move || {
            if let Err(error) = pacing.set(settings) {
                tracing::error!(%error, "the pace stays as it was");
            }
        }))
    });
    let takes = &[
        "idempotency.enabled",
        "idempotency.records",
        "idempotency.answer_bytes",
        "idempotency.client_bytes",
    ];
    settings.on(takes, move |next| {
        let (idempotency, next) = (idempotency.clone(), next.config.idempotency.clone());
        Ok(Box::new(move || {
            idempotency.set_bounds(&next.settings);
            idempotency.switch(next.enabled);
        }))
    });
    let limited = gateway.clone();
    let takes = &[
        "gateway.streams",
        "gateway.head_bytes",
        "gateway.headers",
        "gateway.body_bytes",
        "gateway.json_depth",
        "gateway.seconds.head_read",
        "gateway.seconds.body_read",
        "gateway.seconds.response_head",
        "gateway.seconds.response_idle",
        "gateway.seconds.drain",
    ];
    settings.on(takes, move |next| {
        let (gateway, limits) = (limited.clone(), next.config.gateway.limits.clone());
        Ok(Box::new(move || gateway.set_limits(limits)))
    });
    let gateway = gateway.clone();
    settings.on(&["metrics", "ledger.pages"], move |next| {
        let (gateway, pages) = (gateway.clone(), pages.of(next)?);
        Ok(Box::new(move || gateway.set_beside(pages)))
    });
}

/// The sinks of the record: those of the same name go on where they came to.
pub(super) fn take_sinks(settings: &Settings, running: &Arc<Sinks>, audit: &Arc<Audit>) {
    let (running, audit) = (Arc::clone(running), Arc::clone(audit));
    settings.on(&["audit.sink"], move |next| {
        let configs = sinks::configured(next, &recorded_secrets(&next.secrets, &audit)?)?;
        let ready = Sinks::check(configs).map_err(Failure::usage)?;
        let running = Arc::clone(&running);
        Ok(Box::new(move || running.take(ready)))
    });
}

/// The channels of alerts, where what waits for one goes on by its new settings, and the bounds on
/// approvals.
pub(super) fn take_desks(
    settings: &Settings,
    desk: AlertDesk,
    approvals: &Arc<ApprovalDesk>,
    audit: &Arc<Audit>,
) {
    let (approvals, audit) = (Arc::clone(approvals), Arc::clone(audit));
    settings.on(&["approvals"], move |next| {
        let (desk, bounds) = (Arc::clone(&approvals), next.config.approvals.0.clone());
        Ok(Box::new(move || desk.set(bounds)))
    });
    settings.on(&["alerts"], move |next| {
        desk.prepare(next, &recorded_secrets(&next.secrets, &audit)?)
    });
}
