//! Administration: typed requests and answers, one implementation over the store.
//!
//! A running server carries requests out for callers on its socket; with none running, a command
//! opens the store itself and carries them out in its own process. Both go through [`Admin`].

#[macro_use]
mod calls;

mod alerts;
mod approvals;
mod audit_deeds;
mod audit_keys;
mod audit_people;
mod audit_reconcile;
mod audit_types;
mod audit_writing;
mod beyond;
mod block_list;
mod carry;
mod check;
mod clients;
mod controls;
mod deeds;
mod deliveries;
mod destinations;
mod error;
mod events;
mod explain;
mod holder;
mod idempotency;
mod inputs;
mod key_rotation;
mod keys;
mod leak;
mod learning;
mod makers;
mod manifest;
mod members;
mod policies;
mod posture;
mod probing;
mod reaching;
mod revocations;
mod rotations;
mod runs;
mod scan;
mod secrets;
mod server;
mod service;
mod session;
mod socket;
mod tokens;
mod types;
mod upstream;
mod views;
mod webhooks;
mod workspaces;

pub(crate) use alerts::{AlertList, AlertTest};
pub(crate) use approvals::{ApprovalDecide, ApprovalList, ApprovalShow, ApprovalView};
pub(crate) use audit_types::{
    AuditAnchor, AuditErase, AuditEraseMonth, AuditFind, AuditPrune, AuditReconcile, AuditReview,
    AuditRotate, AuditShow, FoundPerson, KeyDuty, SHOWN_MAX,
};
pub(crate) use beyond::Beyond;
pub(crate) use block_list::{
    BULK_MAX, BlockAdd, BlockAdded, BlockFind, BlockPage, BlockRemove, BlockView,
};
pub(crate) use carry::Who;
pub(crate) use check::{
    CheckAnswer, CheckAsk, CheckHistory, CheckMute, CheckMutes, CheckProgress, CheckUnmute,
    Counted, MuteView, PastRun, Scheduled, past_runs, ticket,
};
pub(crate) use controls::{ControlsChange, Limit};
pub(crate) use deeds::may_be_secret;
pub(crate) use deliveries::{
    Answer, DeadDiscard, DeadList, DeadRetry, DeliveriesPage, DeliveryAnswer, DeliveryList,
    DeliveryView, ReplayCancel, ReplayList, ReplayPlan, ReplayShow, ReplayStart, ReplayView,
};
pub(crate) use destinations::{
    DestinationAdd, DestinationAsked, DestinationList, DestinationRemove, DestinationRotate,
    DestinationSet, DestinationShow, DestinationView, RetryAsked, Switch,
};
pub(crate) use error::AdminError;
pub(crate) use events::{
    BodyView, ErasedEvents, EventErase, EventFollow, EventList, EventNext, EventPerson,
    EventRelease, EventSearch, EventShow, EventShown, EventView, EventsAsked, EventsPage, Whom,
};
pub(crate) use explain::{Explained, PolicyExplain, Step};
pub(crate) use idempotency::{
    IdempotencyList, IdempotencyRelease, IdempotencyShow, IdempotencyView,
};
pub(crate) use inputs::PolicyInputs;
pub(crate) use key_rotation::{KeyRotate, RotatedKey};
pub(crate) use leak::{LeakClose, LeakDeeds, LeakFind, LeakProbe, LeakStop, Leaked, Stopped};
pub(crate) use learning::ClientLearn;
pub(crate) use manifest::{
    GroupInvite, GroupList, GroupMember, GroupRemove, KeyMake, KeyNote, KeyStrangers,
    ManifestApplied, ManifestApply, WebhookAlign, WebhookEnd,
};
pub(crate) use members::{
    MemberInvite, MemberList, MemberRemove, MemberReviewed, MemberSet, MemberView, MembersOf,
    Nickname,
};
pub(crate) use policies::told as told_faults;
pub(crate) use policies::{PolicyAdd, PolicyList, PolicyRemove, PolicyShow, PolicyView, RuleView};
pub(crate) use probing::MANAGING;
pub(crate) use revocations::{RevocationAbandon, RevocationList, RevocationResume, RevocationShow};
pub(crate) use rotations::{
    RotationAsked, RotationBack, RotationBegin, RotationList, RotationPlan, RotationResume,
    RotationShow,
};
pub(crate) use runs::{RunStart, TunnelRefused};
pub(crate) use scan::{ScanFinding, ScanRecord, ScanVerified, ScanVerify};
pub(crate) use secrets::{
    SecretCheck, SecretChecked, SecretCopy, SecretKept, SecretList, SecretReveal, SecretSet,
    SecretUse,
};
pub(crate) use server::AdminServer;
pub(crate) use service::{Admin, AdminParts, now};
pub(crate) use session::Session;
pub(crate) use tokens::{AdminTokenCreate, AdminTokenList, AdminTokenRevoke};
pub(crate) use types::{
    AskReady, BackupTake, ClientCreate, ClientDelete, ClientList, ClientSet, ClientShow, End,
    KeyIssue, KeyList, KeyRevoke, Needed, Reload, Reloaded, Scopeful, Status, SubWorkspace,
    WorkspaceAdd, WorkspaceAdded, WorkspaceKeyRemove, WorkspaceList, WorkspaceRemove,
    WorkspaceShow,
};
pub(crate) use upstream::{
    Inventory, MintAsked, MintPlan, ShrinkAsked, ShrinkPlan, Target, UpstreamAdopt,
    UpstreamAdopted, UpstreamList, UpstreamMint, UpstreamMintPlan, UpstreamProbe, UpstreamRevoke,
    UpstreamRevoked, UpstreamShrink, UpstreamShrinkPlan, UpstreamTarget, WhichKey,
};
pub(crate) use views::{ClientView, KeyView, UpstreamKeyView, WorkspaceView, known_scopes};
pub(crate) use webhooks::{
    DoorAsked, SourceView, Tested, There, Wanted, WebhookAdopt, WebhookCreate, WebhookDelete,
    WebhookDone, WebhookList, WebhookReconcile, WebhookReconciled, WebhookResume, WebhookRotate,
    WebhookSet, WebhookShow, WebhookTest, WebhooksOf,
};
