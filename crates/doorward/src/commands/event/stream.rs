//! Events as they come in at a server, be it started again meanwhile.

use std::time::Duration;

use crate::admin::{EventFollow, EventNext, EventView, EventsAsked, Session};
use crate::context::Context;
use crate::exit::{Failure, Fault};
use crate::output::note;

/// How long news is waited for at a time, in milliseconds.
const WAIT_MS: u64 = 25_000;
/// Pause before a server that is away is looked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// Events as they come in.
pub(in crate::commands) struct Stream<'c> {
    context: &'c Context,
    asked: EventsAsked,
    bodies: bool,
    /// Where there is a server that tells: it, and what it knows us by.
    from: Option<(Session, String)>,
    /// After which; none before the first server was found.
    after: Option<i64>,
    /// Whether it was told that there is no server.
    told: bool,
}

impl<'c> Stream<'c> {
    /// Those that are asked for, with their payloads or without: after an event, or from now on.
    pub(in crate::commands) fn new(
        context: &'c Context,
        asked: EventsAsked,
        bodies: bool,
        after: Option<i64>,
    ) -> Self {
        Self {
            context,
            asked,
            bodies,
            from: None,
            after,
            told: false,
        }
    }

    /// Waits for a server, so that what comes in from then on is told.
    ///
    /// # Errors
    /// When there is one and it may not be asked, or refuses.
    pub(in crate::commands) async fn begin(&mut self) -> Result<(), Failure> {
        while self.from.is_none() {
            let Some(session) = Session::running(self.context).await? else {
                self.away("no server runs on the data folder: waiting for one (`doorward serve`)");
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let call = EventFollow {
                bodies: self.bodies,
            };
            match session.call(call).await {
                Ok(following) => {
                    self.after.get_or_insert(following.after);
                    self.from = Some((session, following.id));
                    if std::mem::take(&mut self.told) {
                        note("the server is there");
                    }
                }
                Err(error) if error.fault == Fault::Lost => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The next events, possibly none after a while.
    ///
    /// # Errors
    /// When the server refuses.
    pub(in crate::commands) async fn next(&mut self) -> Result<Vec<EventView>, Failure> {
        self.begin().await?;
        let Some((session, id)) = &self.from else {
            return Ok(Vec::new());
        };
        let call = EventNext {
            following: id.clone(),
            after: self.after.unwrap_or_default(),
            asked: self.asked.clone(),
            wait_ms: WAIT_MS,
        };
        match session.call(call).await {
            Ok(next) => {
                self.after = Some(next.after);
                if next.gone {
                    self.from = None;
                }
                Ok(next.events)
            }
            Err(error) if error.fault == Fault::Lost => {
                self.from = None;
                self.away("the server is away: waiting until it is back");
                tokio::time::sleep(PAUSE).await;
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    fn away(&mut self, why: &str) {
        if !std::mem::replace(&mut self.told, true) {
            note(why);
        }
    }
}
