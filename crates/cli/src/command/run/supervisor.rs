//! Accompanies a program: its private files, its masked output, and the changes of its secrets.

use std::io;
use std::str::FromStr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use keyferry::{Error, ErrorKind, SecretValue};
use keyferry_os::Signal;

use crate::child::{self, Child, Exit, Handle};
use crate::failure::Failure;
use crate::private_file::{self, PrivateFile};
use crate::session::Session;
use crate::watch;
use keyferry_mask::Masker;

use super::Arguments;
use super::provided::{Plan, Provided, masker};

/// What to do with the program when a value changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnChange {
    /// End it and start it again.
    Restart,
    /// Send it a signal.
    Signal(Signal),
}

impl FromStr for OnChange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "restart" {
            return Ok(Self::Restart);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        Signal::from_str(&format!("SIG{name}"))
            .map(Self::Signal)
            .map_err(|_| "neither `restart` nor the name of a signal".to_owned())
    }
}

pub(super) struct Supervisor<'a> {
    arguments: &'a Arguments,
    session: &'a Session,
    plan: Plan,
    provided: Provided,
    files: Vec<PrivateFile>,
    /// Hides every value that the running program was ever provided with.
    masker: Option<Masker>,
    known: Vec<SecretValue>,
}

/// What a supervisor waits for.
enum Event {
    Changed,
    Ended(io::Result<Exit>),
}

impl<'a> Supervisor<'a> {
    /// Makes the private files.
    pub(super) fn new(
        arguments: &'a Arguments,
        session: &'a Session,
        plan: Plan,
        provided: Provided,
    ) -> Result<Self, Failure> {
        // From now on a signal that ends this process removes the files first.
        child::catch_signals(private_file::remove_all).map_err(unsupervised)?;
        let files = provided
            .files()
            .map(|(path, content)| PrivateFile::create(&path, content))
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            arguments,
            session,
            plan,
            provided,
            files,
            masker: None,
            known: Vec::new(),
        })
    }

    /// Runs the program to its end.
    pub(super) fn run(mut self) -> Result<u8, Failure> {
        if !self.arguments.no_mask {
            self.provided.warn_of_short();
        }
        let (events, inbox) = mpsc::channel();
        let _watch = match self.arguments.watch {
            None => None,
            Some(_) => Some(self.watch(events.clone())?),
        };
        loop {
            let asked_before = child::times_asked_to_end();
            let handle = self.start(&events)?;
            if child::times_asked_to_end() > asked_before {
                // Whether the old program or the new one got that is not known.
                handle.signal(Signal::SIGTERM).map_err(unsupervised)?;
            }
            match self.accompany(&handle, &inbox)? {
                Some(exit) => return Ok(u8::try_from(exit.code()).unwrap_or(u8::MAX)),
                None => {
                    tracing::info!("starting the program again: a value has changed");
                    // What changed while it was ending is noticed now.
                    let _ = events.send(Event::Changed);
                }
            }
        }
    }

    fn watch(&self, events: mpsc::Sender<Event>) -> Result<watch::Watch, Error> {
        let (resolver, watched) = (self.plan.resolver(), self.plan.watched());
        watch::start(resolver, watched, Vec::new(), move || {
            // Nobody listens any more when the process ends.
            let _ = events.send(Event::Changed);
        })
    }

    fn start(&mut self, events: &mpsc::Sender<Event>) -> Result<Handle, Failure> {
        if !self.arguments.no_mask {
            self.known = self.provided.secrets().cloned().collect();
            self.masker = Some(masker(&self.known)?);
        }
        let environment = self.provided.environment();
        let program = self.arguments.program(environment, self.masker.clone());
        let child = Child::spawn(program).map_err(|error| self.arguments.not_started(error))?;
        let handle = child.handle();
        let events = events.clone();
        thread::Builder::new()
            .name("wait".to_owned())
            .spawn(move || {
                let _ = events.send(Event::Ended(child.wait()));
            })
            .map_err(unsupervised)?;
        Ok(handle)
    }

    /// Waits for the end of the program; `None` when it is to be started again.
    fn accompany(
        &mut self,
        handle: &Handle,
        inbox: &mpsc::Receiver<Event>,
    ) -> Result<Option<Exit>, Failure> {
        loop {
            match inbox.recv() {
                Ok(Event::Ended(exit)) => return Ok(Some(exit.map_err(unsupervised)?)),
                Ok(Event::Changed) if !self.has_changed() => {}
                Ok(Event::Changed) => match self.arguments.watch {
                    Some(OnChange::Signal(signal)) => {
                        handle.signal(signal).map_err(unsupervised)?;
                    }
                    Some(OnChange::Restart) | None => return self.stop(handle, inbox),
                },
                Err(mpsc::RecvError) => {
                    return Err(unsupervised(io::Error::other("nobody watches it")));
                }
            }
        }
    }

    /// Resolves again, and takes over what is new. A failure changes nothing.
    fn has_changed(&mut self) -> bool {
        let update = self.plan.resolve(self.session).and_then(|provided| {
            if provided == self.provided {
                return Ok(false);
            }
            // Hidden before anybody can read them.
            if let Some(current) = &self.masker {
                self.known.extend(provided.secrets().cloned());
                current.replace(&masker(&self.known)?);
            }
            for (file, (_, content)) in self.files.iter().zip(provided.files()) {
                file.rewrite(content)?;
            }
            self.provided = provided;
            Ok(true)
        });
        update.unwrap_or_else(|failure| {
            failure.report(self.session.output());
            tracing::warn!("the program goes on with the old values");
            false
        })
    }

    /// Ends the program; an exit means that it is not to be started again.
    fn stop(
        &self,
        handle: &Handle,
        inbox: &mpsc::Receiver<Event>,
    ) -> Result<Option<Exit>, Failure> {
        let asked_before = child::times_asked_to_end();
        handle.terminate(GRACE).map_err(unsupervised)?;
        loop {
            match inbox.recv() {
                // Somebody wanted us both to end meanwhile.
                Ok(Event::Ended(exit)) if child::times_asked_to_end() > asked_before => {
                    return Ok(Some(exit.map_err(unsupervised)?));
                }
                Ok(Event::Ended(_)) => return Ok(None),
                Ok(Event::Changed) => {}
                Err(mpsc::RecvError) => {
                    return Err(unsupervised(io::Error::other("nobody watches it")));
                }
            }
        }
    }
}

fn unsupervised(error: io::Error) -> Failure {
    Error::new(ErrorKind::Internal, "the program cannot be supervised")
        .with_source(error)
        .into()
}

/// How long a program may take to end before it is made to.
const GRACE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_known_by_their_names() {
        assert_eq!("restart".parse(), Ok(OnChange::Restart));
        for name in ["HUP", "SIGHUP", "hup"] {
            assert_eq!(name.parse(), Ok(OnChange::Signal(Signal::SIGHUP)));
        }
        assert!("SIGNOTHING".parse::<OnChange>().is_err());
        assert!("".parse::<OnChange>().is_err());
    }
}
