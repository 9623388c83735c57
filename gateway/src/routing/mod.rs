//! Which deployments may answer a request, and in which order.

mod candidate;
mod deployment;
mod needs;
mod plan;
mod routed;
mod standing;
mod strategy;
mod table;

pub use candidate::Candidate;
pub use deployment::{Deployment, External, InBorder, Target};
pub use needs::{Asker, Needs};
pub use plan::{Circumstances, Dice, NoCandidate, Plan, Reason};
pub use routed::Routed;
pub use standing::{Spent, Standing, Standings};
pub use table::{Canary, LocalModels, Route, RoutingTable, Shadow};
