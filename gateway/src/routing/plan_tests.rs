//! Plans of routes as they are written in a configuration.

use std::collections::HashMap;
use std::path::Path;

use super::*;
use crate::auth::{DataClass, KeyRecord, KeySettings, Role};
use crate::config::{Config, parse};
use crate::pii::{Confined, Detector, Policy, Scope, Screened, Uploads, screen};
use crate::routing::{Deployment, RoutingTable, Spent, Standing};

/// What each model is said to be up to.
struct Said(HashMap<&'static str, Standing>);

impl Standings for Said {
    fn standing(&self, deployment: &Deployment) -> Standing {
        self.0.get(&*deployment.model).copied().unwrap_or_default()
    }
}

fn key() -> KeyRecord {
    KeyRecord {
        id: "k1".into(),
        name: "test".into(),
        role: Role::Application,
        tenant: "bank".into(),
        project: "support".into(),
        environment: "prod".into(),
        data_class: DataClass::Public,
        settings: KeySettings::default(),
        hash: [0; 32],
        created_at_ms: 0,
        expires_at_ms: None,
        frozen: false,
        revoked: false,
        version: 1,
    }
}

/// A request in which a scan found nothing.
fn cleared() -> Screened {
    let (detector, policy) = (Detector::new().unwrap(), Policy::default());
    let scope = Scope {
        declared: DataClass::Public,
        detector: &detector,
        policy: &policy,
        is_sticky: false,
        is_lost: false,
        is_unreadable: false,
        allows_unreadable: false,
        uploads: &Uploads::default(),
        masking: None,
    };
    screen(bytes::Bytes::from_static(br#"{"model":"r","messages":[]}"#), scope).unwrap()
}

/// One asker at noon, and what may differ.
struct Asked {
    needs: Needs,
    said: Said,
    dice: Dice,
    minute: u16,
    in_batch: bool,
}

impl Default for Asked {
    fn default() -> Self {
        let dice = Dice { request: 0, key: u64::MAX, user: u64::MAX };
        Self { needs: Needs::default(), said: Said(HashMap::new()), dice, minute: 720, in_batch: false }
    }
}

impl Asked {
    fn with(model: &'static str, standing: Standing) -> Self {
        Self { said: Said(HashMap::from([(model, standing)])), ..Self::default() }
    }

    /// Models in the order in which they would be asked, and the reason for the first.
    fn order(&self, route: &str) -> (Vec<String>, String) {
        let plan = self.plan(route, &cleared()).unwrap();
        let models = plan.candidates.iter().map(|candidate| candidate.deployment().model.to_string());
        (models.collect(), plan.reason.header_value())
    }

    fn plan(&self, route: &str, screened: &Screened) -> Result<Plan, NoCandidate> {
        let table = RoutingTable::new(&config(route), LocalModels::default());
        let key = key();
        let now = Circumstances {
            in_batch: self.in_batch,
            served: table.local(),
            standings: &self.said,
            needs: &self.needs,
            asker: Asker { key: &key, data_class: DataClass::Public, minute: self.minute },
            dice: self.dice,
        };
        table.resolve("r").unwrap().plan(screened, &now)
    }
}

fn config(route: &str) -> Config {
    let text = format!(
        "[local]\nenabled = false\n[[providers]]\nname = \"p\"\nkind = \"openai\"\n\
         [[providers]]\nname = \"home\"\nkind = \"openai-compatible\"\nzone = \"local\"\nbase_url = \"http://127.0.0.1:1/v1\"\n\
         [[routes]]\nmodel = \"r\"\n{route}"
    );
    parse(&text, Path::new("t")).unwrap()
}

fn target(model: &str, more: &str) -> String {
    format!("{{ provider = \"p\", model = \"{model}\"{more} }}")
}

fn targets(list: &[(&str, &str)]) -> String {
    let list: Vec<String> = list.iter().map(|(model, more)| target(model, more)).collect();
    format!("targets = [{}]\n", list.join(", "))
}

fn named(models: &[&str], reason: &str) -> (Vec<String>, String) {
    (models.iter().map(|&model| model.to_owned()).collect(), reason.to_owned())
}

#[test]
fn ordered_targets_are_asked_as_they_are_written() {
    let route = format!("{}strategy = \"ordered\"\n", targets(&[("a", ""), ("b", ""), ("c", "")]));
    for request in [0, 1, 2, 77] {
        let asked = Asked { dice: Dice { request, ..Asked::default().dice }, ..Asked::default() };
        assert_eq!(asked.order(&route), named(&["a", "b", "c"], "primary"));
    }
}

/// Twice as dear as `b`, but for batches at night.
fn night_rates() -> String {
    let night = ", price = { prompt = 2, completion = 2 }, batch = { price_factor = 0.25, hours = \"22:00-06:00\" }";
    targets(&[("a", night), ("b", ", price = { prompt = 1, completion = 1 }")])
}

#[test]
fn a_batch_goes_where_it_is_cheapest_under_its_own_terms() {
    let route = format!("{}strategy = \"ordered\"\n", night_rates());
    let order = |minute: u16, in_batch: bool| {
        let needs = Needs { prompt_tokens: 10, ..Needs::default() };
        Asked { needs, minute, in_batch, ..Asked::default() }.order(&route)
    };
    assert_eq!(order(720, false), named(&["a", "b"], "primary"));
    assert_eq!(order(720, true), named(&["b", "a"], "cheapest"));
    for night in [1320, 1439, 0, 359] {
        assert_eq!(order(night, true), named(&["a", "b"], "cheapest"), "{night}");
        assert_eq!(order(night, false), named(&["a", "b"], "primary"), "{night}");
    }
    assert_eq!(order(360, true), named(&["b", "a"], "cheapest"));
}

#[test]
fn a_batch_knows_when_it_will_be_cheaper() {
    let cheaper_in = |route: &str, minute: u16| {
        let table = RoutingTable::new(&config(route), LocalModels::default());
        table.resolve("r").unwrap().cheaper_in(minute)
    };
    assert_eq!(cheaper_in(&night_rates(), 720), Some(600));
    assert_eq!(cheaper_in(&night_rates(), 1319), Some(1));
    assert_eq!(cheaper_in(&night_rates(), 1320), None);
    assert_eq!(cheaper_in(&night_rates(), 360), Some(960));
    let never = ", price = { prompt = 9, completion = 9 }, batch = { price_factor = 0.5, hours = \"22-6\" }";
    assert_eq!(cheaper_in(&targets(&[("a", never), ("b", ", price = { prompt = 1, completion = 1 }")]), 720), None);
    assert_eq!(cheaper_in(&targets(&[("a", "")]), 720), None);
}

#[test]
fn the_cheapest_is_that_of_this_request() {
    let route = format!(
        "{}strategy = \"cheapest\"\n",
        targets(&[
            ("unknown", ""),
            ("long-answers", ", price = { prompt = 5, completion = 0.1 }"),
            ("long-prompts", ", price = { prompt = 0.1, completion = 5 }"),
        ])
    );
    let asking = |prompt_tokens, output_tokens| Asked {
        needs: Needs { prompt_tokens, output_tokens: Some(output_tokens), ..Needs::default() },
        ..Asked::default()
    };
    assert_eq!(asking(9_000, 10).order(&route), named(&["long-prompts", "long-answers", "unknown"], "cheapest"));
    assert_eq!(asking(10, 400).order(&route), named(&["long-answers", "long-prompts", "unknown"], "cheapest"));
}

#[test]
fn the_fastest_and_the_least_busy_come_first() {
    let standing =
        |first_token_ms, in_flight| Standing { first_token_ms: Some(first_token_ms), in_flight, ..Standing::default() };
    let said = || Said(HashMap::from([("a", standing(900.0, 1)), ("b", standing(90.0, 7)), ("c", standing(300.0, 3))]));
    let list = targets(&[("a", ""), ("b", ""), ("c", "")]);
    let dice = Dice { request: 1, ..Asked::default().dice };
    let asked = || Asked { said: said(), dice, ..Asked::default() };
    assert_eq!(asked().order(&format!("{list}strategy = \"fastest\"\n")), named(&["b", "c", "a"], "fastest"));
    assert_eq!(asked().order(&format!("{list}strategy = \"least-busy\"\n")), named(&["a", "c", "b"], "least-busy"));
    // One in twenty goes elsewhere, to notice what became fast.
    let exploring = Asked { dice: Dice { request: 20, ..dice }, ..asked() };
    assert_eq!(exploring.order(&format!("{list}strategy = \"fastest\"\n")).1, "weighted");
}

#[test]
fn conditions_decide_who_is_asked_at_all() {
    let route = targets(&[
        ("short", ", when = { max_prompt_tokens = 100, tools = false }"),
        ("night", ", when = { hours = \"22:00-06:00\" }"),
        (
            "ours",
            ", when = { project = [\"support\"], environment = [\"prod\"], data_class = [\"public\", \"internal\"] }",
        ),
        ("others", ", when = { tenant = [\"clinic\"] }"),
    ]) + "strategy = \"ordered\"\n";
    let with = |needs: Needs, minute| Asked { needs, minute, ..Asked::default() }.order(&route).0;
    assert_eq!(with(Needs::default(), 720), ["short", "ours"]);
    assert_eq!(with(Needs { tools: true, ..Needs::default() }, 720), ["ours"]);
    assert_eq!(with(Needs { prompt_tokens: 101, ..Needs::default() }, 1_330), ["night", "ours"]);
    assert_eq!(with(Needs::default(), 100), ["short", "night", "ours"]);
    let never = targets(&[("a", ", when = { key = [\"k2\"] }")]);
    assert_eq!(Asked::default().plan(&never, &cleared()).unwrap_err(), NoCandidate::NoneTakesIt);
}

#[test]
fn who_lacks_an_ability_is_never_asked_for_it() {
    let route = targets(&[("blind", ", lacks = [\"vision\", \"tools\"]"), ("seeing", "")]) + "strategy = \"ordered\"\n";
    let asked = |needs| Asked { needs, ..Asked::default() };
    assert_eq!(asked(Needs::default()).order(&route).0, ["blind", "seeing"]);
    assert_eq!(asked(Needs { vision: true, ..Needs::default() }).order(&route).0, ["seeing"]);
    let blind = targets(&[("blind", ", lacks = [\"vision\"]")]);
    let refused = asked(Needs { vision: true, ..Needs::default() }).plan(&blind, &cleared());
    assert_eq!(refused.unwrap_err(), NoCandidate::Incapable(Ability::Vision));
}

#[test]
fn a_sensitive_request_finds_no_incapable_model_and_no_way_out() {
    let confined = Screened::Confined(Confined::unscanned(bytes::Bytes::from_static(b"{}"), DataClass::Personal));
    let inside = "{ provider = \"home\", model = \"blind\", lacks = [\"vision\"] }";
    let route = format!("{}sensitive = [{inside}]\n", targets(&[("seeing", "")]));
    let seeing = Asked { needs: Needs { vision: true, ..Needs::default() }, ..Asked::default() };
    assert_eq!(seeing.plan(&route, &confined).unwrap_err(), NoCandidate::NoCapableLocalModel(Ability::Vision));
    let plan = Asked::default().plan(&route, &confined).unwrap();
    assert_eq!(&*plan.candidates[0].deployment().model, "blind");
    assert_eq!(Asked::default().plan(&targets(&[("a", "")]), &confined).unwrap_err(), NoCandidate::NoLocalModel);
}

#[test]
fn too_long_a_prompt_a_spent_day_and_a_full_target_are_passed_over_while_another_can_answer() {
    let route = targets(&[
        ("a", ", context_tokens = 1000, tokens_per_day = 50, overflow = { in_flight = 3, requests_per_minute = 9 }"),
        ("b", ""),
    ]) + "strategy = \"ordered\"\n";
    let long =
        Asked { needs: Needs { prompt_tokens: 900, output_tokens: Some(101), ..Needs::default() }, ..Asked::default() };
    assert_eq!(long.order(&route), named(&["b", "a"], "length"));
    let spent = Asked::with("a", Standing { today: used(25, 25), ..Standing::default() });
    assert_eq!(spent.order(&route), named(&["b", "a"], "budget"));
    for standing in
        [Standing { in_flight: 3, ..Standing::default() }, Standing { requests_last_minute: 9, ..Standing::default() }]
    {
        assert_eq!(Asked::with("a", standing).order(&route), named(&["b", "a"], "overflow"));
    }
    assert_eq!(Asked::default().order(&route), named(&["a", "b"], "primary"));
    let alone = targets(&[("a", ", tokens_per_day = 50")]);
    assert_eq!(
        Asked::with("a", Standing { today: used(99, 0), ..Standing::default() }).order(&alone),
        named(&["a"], "primary")
    );
}

fn used(prompt_tokens: u64, completion_tokens: u64) -> Spent {
    Spent { prompt_tokens, completion_tokens }
}

#[test]
fn a_target_whose_money_of_the_day_is_spent_is_passed_over() {
    let priced = ", price = { prompt = 0.5, completion = 2 }, usd_per_day = 3";
    let route = targets(&[("a", priced), ("b", "")]) + "strategy = \"ordered\"\n";
    let order = |today: Spent| Asked::with("a", Standing { today, ..Standing::default() }).order(&route);
    assert_eq!(order(used(1_999_999, 1_000_000)), named(&["a", "b"], "primary"));
    assert_eq!(order(used(2_000_000, 1_000_000)), named(&["b", "a"], "budget"));
    assert_eq!(order(used(0, 1_500_000)), named(&["b", "a"], "budget"));
}

#[test]
fn a_canary_sticks_to_its_key_or_user() {
    let route = |sticky: &str| {
        let canary = format!("canary = {{ provider = \"p\", model = \"new\", percent = 10, sticky = \"{sticky}\" }}\n");
        targets(&[("old", "")]) + &canary
    };
    let (inside, outside) = (9_u64 << 32, 10_u64 << 32);
    for (sticky, dice) in [
        ("key", Dice { request: outside, key: inside, user: outside }),
        ("user", Dice { request: outside, key: outside, user: inside }),
        ("request", Dice { request: inside, key: outside, user: outside }),
    ] {
        assert_eq!(Asked { dice, ..Asked::default() }.order(&route(sticky)), named(&["new", "old"], "canary"));
        let other = Dice { request: outside, key: outside, user: outside };
        assert_eq!(Asked { dice: other, ..Asked::default() }.order(&route(sticky)), named(&["old"], "primary"));
    }
}
