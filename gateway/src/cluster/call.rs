//! What the scripts are given.

use std::fmt::Display;

use super::lease::Lease;
use super::names::Names;
use super::owed::{Ending, Note};
use crate::limits::{Limits, MAX_AMOUNT, Scope, Seed, Sum};

/// Names and words for one run of a script.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) keys: Vec<String>,
    pub(super) args: Vec<String>,
}

/// Where the calendar's days begin, and how things are called.
#[derive(Debug)]
pub(super) struct Calls {
    pub(super) names: Names,
    pub(super) offset_s: i32,
    pub(super) lease_ms: u64,
}

impl Calls {
    fn call(&self, keys: Vec<String>) -> Call {
        Call { keys, args: vec![self.offset_s.to_string()] }
    }

    pub(super) fn reserve(&self, lease: &Lease) -> Call {
        let mut call = self.call(vec![self.names.leases(), self.names.lease(&lease.id)]);
        call.say(self.names.base());
        call.say(&lease.id);
        call.say(self.lease_ms);
        call.say(lease.claimed.tokens);
        call.say(lease.claimed.tiyn);
        call.say(u8::from(lease.claimed.is_free));
        self.add_levels(&mut call, lease);
        call
    }

    pub(super) fn settle(&self, ending: &Ending) -> Call {
        let lease = &ending.lease;
        let mut call = self.call(vec![self.names.leases(), self.names.lease(&lease.id), self.names.lost(&lease.id)]);
        call.say(&lease.id);
        call.say(u8::from(ending.is_cancelled));
        call.say(ending.used.tokens);
        call.say(ending.used.tiyn);
        call.say(lease.claimed.tokens);
        call.say(u8::from(!ending.was_sent));
        call.say(lease.reserved_ms);
        call.say(ending.ended_ms.min(MAX_AMOUNT));
        self.add_levels(&mut call, lease);
        call
    }

    pub(super) fn renew(&self, ids: &[String]) -> Call {
        let mut call = self.call(vec![self.names.leases()]);
        call.say(self.lease_ms);
        call.args.extend_from_slice(ids);
        call
    }

    pub(super) fn seed(&self, scope: &Scope, sum: Sum, seed: Seed, at_ms: u64) -> Call {
        let mut call = self.call(vec![self.names.sums(scope)]);
        call.say(sum as usize);
        call.say(at_ms);
        call.say(seed.used.min(MAX_AMOUNT));
        call.say(seed.told_percent);
        call
    }

    pub(super) fn note(&self, id: &str, notes: &[(Scope, Note)]) -> Call {
        let mut call = self.call(vec![self.names.noted(id)]);
        for (scope, note) in notes {
            call.keys.push(self.names.sums(scope));
            call.say(note.used_ms.min(MAX_AMOUNT));
            call.say(note.known_ms.min(MAX_AMOUNT));
            call.say(note.tokens.min(MAX_AMOUNT));
            call.say(note.tiyn.min(MAX_AMOUNT));
        }
        call
    }

    pub(super) fn state(&self, scope: &Scope) -> Call {
        self.call(vec![self.names.minute(scope), self.names.sums(scope)])
    }

    fn add_levels(&self, call: &mut Call, lease: &Lease) {
        for (scope, limits) in lease.levels.iter().flatten() {
            call.keys.push(self.names.minute(scope));
            call.keys.push(self.names.sums(scope));
            call.say_limits(limits);
        }
    }
}

impl Call {
    fn say(&mut self, word: impl Display) {
        self.args.push(word.to_string());
    }

    fn say_most(&mut self, most: Option<u64>) {
        self.args.push(most.map_or_else(String::new, |most| most.min(MAX_AMOUNT).to_string()));
    }

    fn say_limits(&mut self, limits: &Limits) {
        self.say_most(limits.requests_per_minute.map(|most| u64::from(most.get())));
        self.say_most(limits.tokens_per_minute.map(std::num::NonZero::get));
        self.say_most(limits.concurrent_requests.map(|most| u64::from(most.get())));
        self.say_most(limits.tokens_per_day.map(std::num::NonZero::get));
        for sum in [Sum::TiynOfDay, Sum::TiynOfMonth, Sum::TiynEver] {
            let budget = limits.budgets.of(sum);
            let ceiling = limits.ceiling(sum);
            self.say_most(ceiling.map(|ceiling| ceiling.most));
            self.say(u8::from(ceiling.is_some_and(|ceiling| ceiling.is_hard)));
            let percents = budget.map_or(&[][..], |budget| &budget.alert_at_percent);
            self.say(percents.iter().map(u8::to_string).collect::<Vec<_>>().join(","));
        }
    }
}
