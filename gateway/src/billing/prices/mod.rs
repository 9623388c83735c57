//! Price lists: what a provider charges for a model, from when on, and which row of which list that is.
//!
//! The list that comes with the program is `gateway/prices/catalogue.toml`; what the operator's configuration says goes
//! before it. A model without a row has no price: it is never guessed from another one's name, but for a day behind it.

mod assemble;
mod book;
mod catalogue;
mod cost;
mod file;
mod model_name;
mod overrides;
mod peak;
mod price;
mod version;

pub use assemble::{BadRow, Problem};
pub use book::{Asked, NoPrice, PriceBook};
pub use catalogue::{BadCatalogue, Catalogue, PriceList};
pub use cost::NoCost;
pub use file::{Dollars, ImagePriceFile, PeakFile, PriceFile};
pub use model_name::without_day;
pub use overrides::read_overrides;
pub use peak::Peak;
pub use price::{ImagePrice, Price, Tier};

pub(super) use version::short_hash;
