//! What a check says.

use doorward_finding::{Place, Severity, Thing};

use crate::live::Seen;

/// What a check says: the faults it saw, and what it could not look at. With neither, it passed.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict {
    pub(super) faults: Vec<Fault>,
    /// Why something could not be looked at.
    pub(super) unseen: Vec<String>,
    /// Whether anything was there to be looked at.
    looked: bool,
    /// Why it does not apply, when nothing was.
    pub(super) not_applicable: Option<String>,
}

/// A fault.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) severity: Option<Severity>,
    pub(super) evidence: Vec<(String, String)>,
    /// Which of the check's commands mends it, and what it is filled in with.
    pub(super) command: Option<(&'static str, Vec<(&'static str, String)>)>,
}

impl Verdict {
    /// Of a check that has nothing to hold what it sees against.
    pub(super) fn not_applicable(why: impl Into<String>) -> Self {
        Self {
            not_applicable: Some(why.into()),
            ..Self::default()
        }
    }

    /// Notes that something was there to be looked at.
    pub(super) fn looked(&mut self) {
        self.looked = true;
    }

    /// What was seen; when it was not, why is noted.
    pub(super) fn see<'s, T>(&mut self, of: &str, seen: &'s Seen<T>) -> Option<&'s T> {
        match seen.get() {
            Ok(it) => {
                self.looked = true;
                Some(it)
            }
            Err(why) => {
                self.miss(of, &why.told);
                None
            }
        }
    }

    /// Notes that something could not be looked at.
    pub(super) fn miss(&mut self, of: &str, why: &str) {
        let told = match of {
            "" => why.to_owned(),
            of => format!("{of}: {why}"),
        };
        if !self.unseen.contains(&told) {
            self.unseen.push(told);
        }
    }

    /// Adds a fault.
    pub(super) fn add(&mut self, fault: Fault) {
        self.looked = true;
        self.faults.push(fault);
    }

    /// Says why it does not apply, if there was nothing to look at.
    pub(super) fn unless_looked(mut self, why: &str) -> Self {
        if !self.looked && self.unseen.is_empty() {
            self.not_applicable = Some(why.to_owned());
        }
        self
    }
}

impl Fault {
    /// A fault at a place.
    pub(super) fn at(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
            severity: None,
            evidence: Vec::new(),
            command: None,
        }
    }

    /// The same, of another severity than the check's own.
    pub(super) fn severity(self, severity: Severity) -> Self {
        Self {
            severity: Some(severity),
            ..self
        }
    }

    /// The same, with something that was seen.
    pub(super) fn saw(mut self, name: &str, value: impl ToString) -> Self {
        self.evidence.push((name.to_owned(), value.to_string()));
        self
    }

    /// The same, mended by one of the check's commands with these filled in.
    pub(super) fn mend<const N: usize>(
        self,
        command: &'static str,
        with: [(&'static str, &str); N],
    ) -> Self {
        let with = with.map(|(name, value)| (name, value.to_owned()));
        Self {
            command: Some((command, with.into())),
            ..self
        }
    }
}

/// A thing of a workspace.
pub(super) fn thing(kind: &str, id: &str, name: Option<&str>, workspace: &str) -> Place {
    Place::Thing(Thing {
        kind: kind.to_owned(),
        id: id.to_owned(),
        name: name.map(str::to_owned),
        workspace: (!workspace.is_empty()).then(|| workspace.to_owned()),
    })
}
