//! Whom a search means: `search_filters` of the SuperSearch operations.
//!
//! Of each list the first five hundred entries are looked at.

use serde_json::{Value, json};

use crate::cx::Cx;
use crate::ops::supersearch_people::{Company, Person, Place, place_text};
use crate::ops::view::{flag, hash, text, whole};
use crate::reply::Refusal;

const LOOKED_AT: usize = 500;

/// The bands of head counts, by their names; both ends are included.
const EMPLOYEES: &[(&str, i64, i64)] = &[
    ("0 - 25", 0, 25),
    ("25 - 100", 25, 100),
    ("100 - 250", 100, 250),
    ("250 - 1000", 250, 1_000),
    ("1K - 10K", 1_000, 10_000),
    ("10K - 50K", 10_000, 50_000),
    ("50K - 100K", 50_000, 100_000),
    ("> 100K", 100_000, i64::MAX),
];

/// The bands of revenue in millions of dollars, by their names.
const REVENUES: &[(&str, u64, u64)] = &[
    ("$0 - 1M", 0, 1),
    ("$1 - 10M", 1, 10),
    ("$10 - 50M", 10, 50),
    ("$50 - 100M", 50, 100),
    ("$100 - 250M", 100, 250),
    ("$250 - 500M", 250, 500),
    ("$500M - 1B", 500, 1_000),
    ("> $1B", 1_000, u64::MAX / 1_000_000),
];

/// Texts wanted and texts not wanted; an empty list wants all.
#[derive(Debug, Default)]
struct Sides {
    include: Vec<String>,
    exclude: Vec<String>,
}

impl Sides {
    fn of(value: Option<&Value>) -> Sides {
        let side = |name| texts(value.and_then(|value| value.get(name)));
        Sides {
            include: side("include"),
            exclude: side("exclude"),
        }
    }

    fn takes(&self, mut is: impl FnMut(&str) -> bool) -> bool {
        (self.include.is_empty() || self.include.iter().any(|text| is(text)))
            && !self.exclude.iter().any(|text| is(text))
    }

    fn is_open(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }
}

/// A place that is asked for.
#[derive(Debug, Default)]
struct Spot {
    city: String,
    state: String,
    country: String,
    label: String,
}

impl Spot {
    fn of(value: &Value) -> Spot {
        let named = |name| text(value, name).to_lowercase();
        let mut label = named("label");
        if label.is_empty() {
            // The sandbox has no gazetteer: a place id without a label is taken for a name.
            label = named("place_id");
        }
        Spot {
            city: named("city"),
            state: named("state"),
            country: named("country"),
            label,
        }
    }

    fn is(&self, place: Place) -> bool {
        let part = |asked: &str, held: &str| asked.is_empty() || held.eq_ignore_ascii_case(asked);
        let labelled =
            self.label.is_empty() || {
                let place = place_text(place).to_lowercase();
                let abbreviated = self.label.replace("usa", "united states");
                place.contains(&abbreviated)
                    || self.label.split(',').next().is_some_and(|city| {
                        city.trim() == place.split(',').next().unwrap_or_default()
                    })
            };
        labelled
            && part(&self.city, place.0)
            && part(&self.state, place.1)
            && part(&self.country, place.2)
    }
}

/// A signal that is asked for.
#[derive(Debug)]
struct Wanted {
    category: String,
    days: i64,
    /// Tokens in any field, or in fields.
    any: Vec<String>,
    fields: Vec<(String, Vec<String>)>,
}

impl Wanted {
    fn of(value: &Value) -> Wanted {
        let keywords = value.get("keywords");
        Wanted {
            category: value
                .as_str()
                .unwrap_or_else(|| text(value, "key"))
                .to_owned(),
            days: value.get("period_days").and_then(whole).unwrap_or(30),
            any: texts(keywords),
            fields: keywords
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .take(LOOKED_AT)
                .map(|(field, tokens)| (field.clone(), texts(Some(tokens))))
                .filter(|(_, tokens)| !tokens.is_empty())
                .collect(),
        }
    }

    fn is(&self, person: Person) -> bool {
        let Some(signal) = person.signal(&self.category) else {
            return false;
        };
        i64::from(signal.age) <= self.days
            && (self.any.is_empty() || signal.tokens().any(|token| has(&self.any, token)))
            && self
                .fields
                .iter()
                .all(|(field, tokens)| signal.token(field).is_some_and(|token| has(tokens, token)))
    }
}

/// The filters of one search.
#[derive(Debug)]
pub(crate) struct Filters {
    include_places: Vec<Spot>,
    exclude_places: Vec<Spot>,
    by_company_place: bool,
    departments: Vec<String>,
    levels: Vec<String>,
    employees: Vec<(i64, i64)>,
    revenues: Vec<String>,
    news: Vec<String>,
    jobs: Vec<String>,
    titles: Sides,
    names: Vec<String>,
    companies: Sides,
    industries: Sides,
    sub_industries: Sides,
    technologies: Vec<String>,
    funding: Vec<String>,
    domains: Vec<String>,
    keywords: (Vec<String>, bool, Vec<String>),
    signals: Vec<Wanted>,
    /// Only companies that visited the web site; whether there is a pixel that saw them.
    visitors: Option<bool>,
    /// The industry of the company that others shall be like.
    like: Option<&'static str>,
    /// One person of each company.
    pub(crate) one_per_company: bool,
    /// Nobody who is a lead of the workspace.
    pub(crate) skip_owned: bool,
}

impl Filters {
    /// Reads `search_filters`; `body` is the whole body, which may repeat two of the flags.
    ///
    /// # Errors
    /// 404 for a company list: no operation of the API makes one.
    pub(crate) fn of(cx: &mut Cx<'_>, body: &Value) -> Result<Filters, Refusal> {
        let filters = body.get("search_filters").unwrap_or(&Value::Null);
        if !text(filters, "company_list_id").is_empty() {
            let mut refusal = Refusal::new(404, "Company list not found");
            refusal
                .body
                .extra
                .insert("errorCode".into(), json!("COMPANY_LIST_NOT_FOUND"));
            return Err(refusal);
        }
        let list = |name: &str| texts(filters.get(name));
        let either = |name: &str, other: &str| {
            let found = list(name);
            if found.is_empty() { list(other) } else { found }
        };
        let places = filters.get("locations");
        let side = |name: &str| places.and_then(|places| places.get(name));
        let include = places
            .filter(|places| places.is_array())
            .or(side("include"));
        let mode = [
            text(filters, "location_mode"),
            text(filters, "locationMode"),
        ];
        let both = |name: &str| flag(filters, name) || flag(body, name);
        let keyword = |name: &str| -> Vec<String> {
            let words = filters
                .get("keyword_filter")
                .map_or("", |words| text(words, name));
            words
                .split(',')
                .map(|word| word.trim().to_lowercase())
                .filter(|word| !word.is_empty())
                .take(LOOKED_AT)
                .collect()
        };
        let all = filters
            .get("keyword_filter")
            .is_some_and(|words| text(words, "include_mode") == "ALL");
        let like = [text(filters, "look_alike"), text(filters, "lookAlike")];
        let like = like
            .into_iter()
            .find(|domain| !domain.is_empty())
            .map(industry_of);
        let has_pixel = !text(&cx.ws().record, "plan_id_website_visitor").is_empty();
        let visitors = flag(filters, "website_visitors");
        Ok(Filters {
            include_places: spots(include),
            exclude_places: spots(side("exclude")),
            by_company_place: mode.contains(&"company"),
            departments: list("department"),
            levels: list("level"),
            employees: filters
                .get("employeeCount")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .take(LOOKED_AT)
                .map(band)
                .collect(),
            revenues: list("revenue"),
            news: list("news"),
            jobs: either("jobListing", "jobListingFilter"),
            titles: Sides::of(filters.get("title")),
            names: list("name"),
            companies: Sides::of(filters.get("company_name")),
            industries: Sides::of(filters.get("industry")),
            sub_industries: Sides::of(filters.get("subIndustry")),
            technologies: list("technologies"),
            funding: either("funding_type", "fundingType"),
            domains: list("domains"),
            keywords: (keyword("include"), all, keyword("exclude")),
            signals: filters
                .get("signals")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .take(LOOKED_AT)
                .map(Wanted::of)
                .collect(),
            visitors: visitors.then_some(has_pixel),
            like,
            one_per_company: both("show_one_lead_per_company"),
            skip_owned: both("skip_owned_leads"),
        })
    }

    /// Whether a person is meant; whose lead it is, is not looked at.
    pub(crate) fn takes(&self, person: Person) -> bool {
        self.takes_company(person.company)
            && open_or(&self.departments, |asked| {
                asked.eq_ignore_ascii_case(person.department)
            })
            && open_or(&self.levels, |asked| {
                asked.eq_ignore_ascii_case(person.level)
            })
            && self.takes_place(person)
            && self.takes_words(person)
            && (self.signals.is_empty() || self.signals.iter().any(|signal| signal.is(person)))
    }

    fn takes_company(&self, company: Company) -> bool {
        let employees = i64::from(company.employees);
        let in_band = |(from, to): &(i64, i64)| (*from..=*to).contains(&employees);
        self.industries
            .takes(|asked| asked.eq_ignore_ascii_case(company.industry))
            && self
                .sub_industries
                .takes(|asked| asked.eq_ignore_ascii_case(company.sub_industry))
            && self
                .like
                .is_none_or(|industry| industry == company.industry)
            && (self.employees.is_empty() || self.employees.iter().any(in_band))
            && open_or(&self.revenues, |asked| {
                is_of_revenue(asked, company.revenue())
            })
            && open_or(&self.news, |asked| company.news() == Some(asked))
            && open_or(&self.funding, |asked| company.funding() == Some(asked))
            && open_or(&self.technologies, |asked| {
                company
                    .technologies()
                    .iter()
                    .any(|held| held.eq_ignore_ascii_case(asked))
            })
            && open_or(&self.jobs, |asked| {
                company
                    .hires()
                    .is_some_and(|title| title.to_lowercase().contains(asked))
            })
            && (self.domains.is_empty() || has(&self.domains, &company.domain()))
            && self.visitors.is_none_or(|seen| seen && company.visited())
    }

    fn takes_place(&self, person: Person) -> bool {
        let place = if self.by_company_place {
            person.company.place
        } else {
            person.place
        };
        (self.include_places.is_empty() || self.include_places.iter().any(|spot| spot.is(place)))
            && !self.exclude_places.iter().any(|spot| spot.is(place))
    }

    fn takes_words(&self, person: Person) -> bool {
        if !self.titles.is_open() {
            let title = person.title.to_lowercase();
            if !self.titles.takes(|asked| title.contains(asked)) {
                return false;
            }
        }
        if !self.names.is_empty() {
            let name = person.full_name().to_lowercase();
            if !self.names.iter().any(|asked| name.contains(asked)) {
                return false;
            }
        }
        if !self.companies.is_open() {
            let company = person.company.name().to_lowercase();
            if !self.companies.takes(|asked| company.contains(asked)) {
                return false;
            }
        }
        let (include, all, exclude) = &self.keywords;
        if include.is_empty() && exclude.is_empty() {
            return true;
        }
        let [one, other] = person.company.keywords;
        let about =
            format!("{one} {other} {} {}", person.company.industry, person.title).to_lowercase();
        let holds = |word: &String| about.contains(word.as_str());
        let included = match all {
            _ if include.is_empty() => true,
            true => include.iter().all(holds),
            false => include.iter().any(holds),
        };
        included && !exclude.iter().any(holds)
    }
}

/// The texts of a list, in lower case.
fn texts(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .take(LOOKED_AT)
        .map(str::to_lowercase)
        .collect()
}

fn spots(list: Option<&Value>) -> Vec<Spot> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.take(LOOKED_AT).map(Spot::of).collect()
}

fn has(list: &[String], text: &str) -> bool {
    list.iter().any(|item| item.eq_ignore_ascii_case(text))
}

fn open_or(list: &[String], is: impl FnMut(&str) -> bool) -> bool {
    let mut is = is;
    list.is_empty() || list.iter().any(|item| is(item))
}

fn is_of_revenue(band: &str, dollars: u64) -> bool {
    REVENUES.iter().any(|(name, from, to)| {
        name.eq_ignore_ascii_case(band) && (from * 1_000_000..to * 1_000_000).contains(&dollars)
    })
}

/// A range of head counts: a band by name, or an operation with its bounds.
fn band(asked: &Value) -> (i64, i64) {
    if let Some(name) = asked.as_str() {
        let band = EMPLOYEES.iter().find(|(known, _, _)| *known == name);
        return band.map_or((1, 0), |(_, from, to)| (*from, *to));
    }
    let bound = |name: &str| asked.get(name).and_then(whole);
    match text(asked, "op") {
        "gte" => (bound("min").unwrap_or_default(), i64::MAX),
        "lte" => (0, bound("max").unwrap_or(i64::MAX)),
        _ => (
            bound("min").unwrap_or_default(),
            bound("max").unwrap_or(i64::MAX),
        ),
    }
}

/// The industry of the company with a domain; of a company that is not here, one that depends on
/// its name.
fn industry_of(domain: &str) -> &'static str {
    let domain = domain.to_lowercase();
    Person::all()
        .step_by(4)
        .map(|person| person.company)
        .find(|company| company.domain() == domain)
        .unwrap_or_else(|| Person::of(hash(&domain) as u32 % 6_000).company)
        .industry
}
