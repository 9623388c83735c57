//! Which deployments may answer a request, and in which order.

mod deployment;
mod plan;
mod routed;
mod table;

pub use deployment::{Deployment, External, InBorder, Target};
pub use plan::{NoCandidate, Plan, Reason};
pub use routed::Routed;
pub use table::{LocalModels, Route, RoutingTable};
