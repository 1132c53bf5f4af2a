//! `doorward approval` and `doorward admin token`.

use super::{status_cell, time_cell, whole_seconds};
use crate::admin::{
    AdminTokenCreate, AdminTokenList, AdminTokenRevoke, ApprovalDecide, ApprovalList, ApprovalShow,
    ApprovalView, Session, now,
};
use crate::cli::{AdminCommand, ApprovalCommand, Decide, TokenCommand};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, clean, note};

/// Runs `doorward approval …`.
pub(crate) async fn run(context: &Context, command: ApprovalCommand) -> Outcome {
    let (output, session) = (context.output, Session::open(context).await?);
    match command {
        ApprovalCommand::List { all } => {
            let approvals = session.call(ApprovalList { all }).await?;
            if output.is_json() {
                output.value(&approvals)?;
            } else {
                list(&approvals, output)?;
            }
        }
        ApprovalCommand::Show { id } => {
            let approval = session.call(ApprovalShow { id }).await?;
            if output.is_json() {
                output.value(&approval)?;
            } else {
                show(&approval, output)?;
            }
        }
        ApprovalCommand::Approve(said) => decide(&session, output, said, true).await?,
        ApprovalCommand::Deny(said) => decide(&session, output, said, false).await?,
    }
    Ok(Exit::Done)
}

async fn decide(
    session: &Session,
    output: Output,
    said: Decide,
    approve: bool,
) -> Result<(), Failure> {
    let call = ApprovalDecide {
        id: said.id,
        approve,
        reason: said.reason,
        by: None,
    };
    let approval = session.call(call).await?;
    if output.is_json() {
        return output.value(&approval);
    }
    let by = approval.decided_by.as_deref().unwrap_or_default();
    if approve {
        output.line(format_args!(
            "{} is approved by {by}: the same request of '{}' passes once until {}",
            approval.id,
            approval.client,
            whole_seconds(approval.expires_at)
        ))
    } else {
        output.line(format_args!("{} is denied by {by}", approval.id))
    }
}

fn state_cell(state: &str) -> Cell {
    Cell::toned(
        state,
        match state {
            "pending" => Tone::Careful,
            "approved" => Tone::Good,
            "denied" => Tone::Bad,
            _ => Tone::Quiet,
        },
    )
}

fn list(approvals: &[ApprovalView], output: Output) -> Result<(), Failure> {
    let rows = approvals.iter().map(|one| {
        vec![
            Cell::toned(&one.id, Tone::Strong),
            state_cell(&one.state),
            Cell::from(&one.client),
            Cell::from(&one.operation),
            Cell::from(&one.policy),
            Cell::from(one.asked),
            Cell::from(whole_seconds(one.asked_at)),
            Cell::from(whole_seconds(one.expires_at)),
        ]
    });
    let head = [
        "approval",
        "state",
        "client",
        "operation",
        "policy",
        "asked",
        "since",
        "until",
    ];
    output.table(&head, rows.collect(), "nothing waits for approval")
}

fn show(approval: &ApprovalView, output: Output) -> Result<(), Failure> {
    let mut fields = vec![
        ("approval", Cell::toned(&approval.id, Tone::Strong)),
        ("state", state_cell(&approval.state)),
        ("client", Cell::from(&approval.client)),
        ("owner", Cell::from(&approval.owner)),
        ("workspace", Cell::from(&approval.workspace)),
        ("operation", Cell::from(&approval.operation)),
        ("policy", Cell::from(&approval.policy)),
        (
            "asked",
            Cell::from(format_args!("{} times", approval.asked)),
        ),
        ("since", Cell::from(whole_seconds(approval.asked_at))),
        ("until", Cell::from(whole_seconds(approval.expires_at))),
    ];
    if let Some(by) = &approval.decided_by {
        fields.push(("decided by", Cell::from(by)));
        fields.push(("decided at", time_cell(approval.decided_at, "")));
        let reason = approval.reason.as_deref().unwrap_or("no reason was said");
        fields.push(("reason", Cell::from(reason)));
    }
    if let Some(at) = approval.spent_at {
        fields.push(("used at", Cell::from(whole_seconds(at))));
    }
    let Some(request) = &approval.request else {
        return output.fields(fields);
    };
    fields.push((
        "request",
        Cell::from(format_args!("{} {}", request.method, request.target)),
    ));
    if let Some(sub) = &request.as_workspace {
        fields.push(("sub-workspace", Cell::from(sub)));
    }
    output.fields(fields)?;
    let Some(body) = &request.body else {
        return output.line("(no body)");
    };
    // What a terminal would act on is taken out line by line; --json has it byte for byte.
    let pretty = serde_json::from_str::<serde_json::Value>(body)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| body.clone());
    for line in pretty.lines() {
        output.line(clean(line))?;
    }
    Ok(())
}

/// Runs `doorward admin …`.
pub(crate) async fn admin(context: &Context, command: AdminCommand) -> Outcome {
    let AdminCommand::Token(command) = command;
    let (output, session) = (context.output, Session::open(context).await?);
    match command {
        TokenCommand::Create { name, expires_in } => {
            let expires_at = expires_in.map(|lasting| lasting.after(now()));
            let made = session.call(AdminTokenCreate { name, expires_at }).await?;
            if output.is_json() {
                output.value(&made)?;
            } else {
                let until = match made.record.expires_at {
                    Some(time) => format!("it expires at {}", whole_seconds(time)),
                    None => "it does not expire; consider --expires-in next time".to_owned(),
                };
                note(format_args!(
                    "the admin token of {} is shown this once; {until}; end it with `doorward \
                     admin token revoke {0}`",
                    made.record.name
                ));
                output.line(made.token.expose_secret())?;
            }
        }
        TokenCommand::List => {
            let tokens = session.call(AdminTokenList {}).await?;
            if output.is_json() {
                output.value(&tokens)?;
            } else {
                let rows = tokens.iter().map(|token| {
                    vec![
                        Cell::toned(&token.name, Tone::Strong),
                        Cell::from(&token.id),
                        status_cell(&token.status),
                        Cell::from(whole_seconds(token.created_at)),
                        time_cell(token.expires_at, "never"),
                    ]
                });
                let head = ["holder", "id", "status", "made", "expires"];
                let nothing =
                    "there are no admin tokens; make one with `doorward admin token create NAME`";
                output.table(&head, rows.collect(), nothing)?;
            }
        }
        TokenCommand::Revoke { name } => {
            let token = session.call(AdminTokenRevoke { name }).await?;
            if output.is_json() {
                output.value(&token)?;
            } else {
                output.line(format_args!(
                    "the admin token {} of {} is revoked: it is refused from now on",
                    token.id, token.name
                ))?;
            }
        }
    }
    Ok(Exit::Done)
}
