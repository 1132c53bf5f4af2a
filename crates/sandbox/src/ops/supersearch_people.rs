//! The people SuperSearch finds: six thousand invented ones at fifteen hundred invented companies.
//!
//! Nobody is stored: each attribute follows from the person's or the company's number, so that the
//! population is the same in every run and costs no memory.

/// How many people there are, and how many work at one company.
pub(crate) const PEOPLE: u32 = 6_000;
const STAFF: u32 = 4;

const FIRST: &[&str] = &[
    "Ada", "Bela", "Cleo", "Dario", "Enya", "Farid", "Gwen", "Hugo", "Ines", "Jonas", "Kira",
    "Leif", "Mina", "Niko", "Odile", "Pavel", "Rosa", "Sven", "Tala", "Umar", "Vera", "Wim",
    "Xenia", "Yara", "Zeno", "Alba", "Bruno", "Celia", "Dag", "Elif", "Finn", "Greta",
];
const LAST: &[&str] = &[
    "Abara", "Berg", "Castell", "Duarte", "Eskola", "Farrow", "Grieg", "Hale", "Ivers", "Jansson",
    "Kovac", "Lund", "Marlow", "Nakata", "Okafor", "Prior", "Quist", "Rossi", "Sato", "Toft",
    "Ueda", "Vance", "Wolfe", "Yilmaz", "Zeller",
];
const ADJECTIVES: &[&str] = &[
    "Amber", "Bright", "Cedar", "Delta", "Ember", "Fern", "Granite", "Harbor", "Iron", "Juniper",
    "Kestrel", "Lunar", "Maple", "North", "Onyx", "Pine", "Quartz", "River", "Silver", "Tidal",
    "Umber", "Velvet", "Willow", "Yarrow", "Zephyr", "Copper", "Linden", "Meadow", "Coral",
    "Slate",
];
const NOUNS: &[&str] = &[
    "Works",
    "Labs",
    "Systems",
    "Partners",
    "Foods",
    "Health",
    "Robotics",
    "Logistics",
    "Media",
    "Energy",
    "Bank",
    "Studios",
    "Retail",
    "Travel",
    "Homes",
    "Tools",
    "Networks",
    "Legal",
    "Learning",
    "Analytics",
    "Motors",
    "Textiles",
    "Water",
    "Minerals",
    "Games",
    "Security",
    "Optics",
    "Farms",
    "Paper",
    "Pharma",
    "Rail",
    "Shipping",
    "Solar",
    "Sports",
    "Telecom",
    "Toys",
    "Ventures",
    "Wines",
    "Design",
    "Staffing",
    "Clinics",
    "Cloud",
    "Data",
    "Devices",
    "Events",
    "Glass",
    "Hotels",
    "Insurance",
    "Kitchens",
    "Music",
];

/// Title, department and level as the API names them.
const TITLES: &[(&str, &str, &str)] = &[
    ("Chief Executive Officer", "Operations", "C-Level"),
    ("Chief Technology Officer", "Engineering", "C-Level"),
    ("VP of Sales", "Sales", "VP-Level"),
    ("VP of Marketing", "Marketing", "VP-Level"),
    (
        "Director of Finance",
        "Finance & Administration",
        "Director-Level",
    ),
    ("Director of Engineering", "Engineering", "Director-Level"),
    ("Head of People", "Human Resources", "Director"),
    ("Sales Manager", "Sales", "Manager-Level"),
    ("IT Manager", "IT & IS", "Manager"),
    ("Senior Software Engineer", "Engineering", "Senior"),
    ("Account Executive", "Sales", "Executive"),
    ("Support Specialist", "Support", "Staff"),
    ("Marketing Associate", "Marketing", "Associate"),
    ("Operations Analyst", "Operations", "Mid-Senior level"),
    ("Founder", "Other", "Owner"),
    ("Software Engineer", "Engineering", "Entry level"),
];

/// City, state, country.
const PLACES: &[(&str, &str, &str)] = &[
    ("San Francisco", "California", "United States"),
    ("New York", "New York", "United States"),
    ("Austin", "Texas", "United States"),
    ("Chicago", "Illinois", "United States"),
    ("Toronto", "Ontario", "Canada"),
    ("London", "England", "United Kingdom"),
    ("Berlin", "Berlin", "Germany"),
    ("Paris", "Ile-de-France", "France"),
    ("Milan", "Lombardy", "Italy"),
    ("Stockholm", "Stockholm", "Sweden"),
    ("Sydney", "New South Wales", "Australia"),
    ("Singapore", "Singapore", "Singapore"),
];

/// Industry, sub-industry and two keywords of what such a company does.
const TRADES: &[(&str, &str, [&str; 2])] = &[
    (
        "Software & Internet",
        "Computer Software",
        ["saas", "automation"],
    ),
    (
        "Software & Internet",
        "Computer & Network Security",
        ["security", "compliance"],
    ),
    (
        "Computers & Electronics",
        "Semiconductors",
        ["chips", "hardware"],
    ),
    ("Financial Services", "Banking", ["payments", "lending"]),
    ("Financial Services", "Insurance", ["insurance", "claims"]),
    (
        "Business Services",
        "Marketing and Advertising",
        ["marketing", "outreach"],
    ),
    (
        "Business Services",
        "Staffing and Recruiting",
        ["recruiting", "talent"],
    ),
    (
        "Healthcare, Pharmaceuticals, & Biotech",
        "Medical Devices",
        ["devices", "diagnostics"],
    ),
    (
        "Healthcare, Pharmaceuticals, & Biotech",
        "Biotechnology",
        ["research", "biotech"],
    ),
    (
        "Manufacturing",
        "Machinery",
        ["manufacturing", "automation"],
    ),
    ("Retail", "Consumer Goods", ["ecommerce", "retail"]),
    ("Education", "E-Learning", ["training", "learning"]),
    (
        "Media & Entertainment",
        "Online Media",
        ["media", "content"],
    ),
    (
        "Transportation & Storage",
        "Logistics and Supply Chain",
        ["logistics", "freight"],
    ),
    (
        "Real Estate & Construction",
        "Construction",
        ["construction", "real estate"],
    ),
    (
        "Energy & Utilities",
        "Renewables & Environment",
        ["solar", "energy"],
    ),
];

const TECHNOLOGIES: &[&str] = &[
    "Salesforce",
    "HubSpot",
    "AWS",
    "Google Cloud",
    "Azure",
    "Shopify",
    "WordPress",
    "Stripe",
    "Slack",
    "Zendesk",
    "Kubernetes",
    "Snowflake",
];
const FUNDING: &[&str] = &[
    "angel", "pre_seed", "seed", "series_a", "series_b", "series_c",
];
const NEWS: &[&str] = &[
    "launches",
    "hires",
    "partners_with",
    "receives_financing",
    "receives_award",
    "acquires",
    "opens_new_location",
    "signs_new_client",
    "increases_headcount_by",
];

/// A keyword field of a signal category, with its tokens.
type Field = (&'static str, &'static [&'static str]);

/// The signal categories, each with its keyword fields.
pub(crate) const SIGNALS: &[(&str, &[Field])] = &[
    (
        "job_change",
        &[("previous_level", &["manager", "director", "vp", "staff"])],
    ),
    (
        "traffic_surge",
        &[(
            "channel",
            &["organic search", "paid search", "referral", "social"],
        )],
    ),
    (
        "linkedin_post_contact",
        &[
            (
                "tags",
                &[
                    "artificial intelligence",
                    "hiring",
                    "sales automation",
                    "remote work",
                    "ai agents",
                ],
            ),
            ("objection_type", &["security", "price", "timing"]),
            ("buying_stage", &["awareness", "consideration", "decision"]),
        ],
    ),
    (
        "hiring_plans",
        &[(
            "departments",
            &["engineering", "sales", "support", "marketing"],
        )],
    ),
];

/// One person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    pub(crate) number: u32,
    pub(crate) first: &'static str,
    pub(crate) last: &'static str,
    pub(crate) title: &'static str,
    pub(crate) department: &'static str,
    pub(crate) level: &'static str,
    /// City, state, country.
    pub(crate) place: Place,
    pub(crate) company: Company,
}

/// City, state, country.
pub(crate) type Place = (&'static str, &'static str, &'static str);

/// The company a person works at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Company {
    pub(crate) number: u32,
    pub(crate) industry: &'static str,
    pub(crate) sub_industry: &'static str,
    pub(crate) keywords: [&'static str; 2],
    pub(crate) employees: u32,
    pub(crate) place: Place,
}

/// What a person did lately that a salesperson would like to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signal {
    category: usize,
    person: u32,
    /// Days ago.
    pub(crate) age: u32,
}

impl Signal {
    /// The token in a keyword field of the category.
    pub(crate) fn token(self, field: &str) -> Option<&'static str> {
        let (_, fields) = SIGNALS.get(self.category)?;
        let index = fields.iter().position(|(name, _)| *name == field)?;
        let (_, tokens) = fields.get(index)?;
        let chosen = mix(self.person, 40 + index as u64) % tokens.len() as u64;
        tokens.get(chosen as usize).copied()
    }

    /// The tokens in all fields of the category.
    pub(crate) fn tokens(self) -> impl Iterator<Item = &'static str> {
        let fields = SIGNALS
            .get(self.category)
            .map_or(&[][..], |(_, fields)| fields);
        fields
            .iter()
            .filter_map(move |(field, _)| self.token(field))
    }
}

/// A number that depends on nothing but two others (the mixer of SplitMix64).
fn mix(number: u32, salt: u64) -> u64 {
    let mut z = (u64::from(number) << 8 | salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn pick<T: Copy + Default>(from: &[T], chance: u64) -> T {
    let index = chance.checked_rem(from.len() as u64).unwrap_or_default();
    from.get(index as usize).copied().unwrap_or_default()
}

impl Company {
    fn of(number: u32) -> Company {
        let trade = mix(number, 1)
            .checked_rem(TRADES.len() as u64)
            .unwrap_or_default();
        let (industry, sub_industry, keywords) =
            TRADES.get(trade as usize).copied().unwrap_or_default();
        // From one to some hundred thousand, small ones by far the most.
        let chance = mix(number, 2) % 1_000;
        let employees = match chance {
            0..500 => 3 + mix(number, 3) % 80,
            500..850 => 80 + mix(number, 3) % 900,
            850..970 => 1_000 + mix(number, 3) % 9_000,
            _ => 10_000 + mix(number, 3) % 110_000,
        } as u32;
        Company {
            number,
            industry,
            sub_industry,
            keywords,
            employees,
            place: pick(PLACES, mix(number, 4)),
        }
    }

    pub(crate) fn name(self) -> String {
        let (adjective, noun) = self.words();
        format!("{adjective} {noun}")
    }

    pub(crate) fn domain(self) -> String {
        let (adjective, noun) = self.words();
        format!("{adjective}{noun}.example").to_lowercase()
    }

    fn words(self) -> (&'static str, &'static str) {
        let adjective = u64::from(self.number) % ADJECTIVES.len() as u64;
        let noun = u64::from(self.number) / ADJECTIVES.len() as u64;
        (pick(ADJECTIVES, adjective), pick(NOUNS, noun))
    }

    /// Yearly revenue in dollars.
    pub(crate) fn revenue(self) -> u64 {
        u64::from(self.employees) * (60_000 + mix(self.number, 5) % 190_000)
    }

    pub(crate) fn funding(self) -> Option<&'static str> {
        let chance = mix(self.number, 6);
        chance.is_multiple_of(2).then(|| pick(FUNDING, chance >> 8))
    }

    pub(crate) fn news(self) -> Option<&'static str> {
        let chance = mix(self.number, 7);
        chance.is_multiple_of(3).then(|| pick(NEWS, chance >> 8))
    }

    pub(crate) fn technologies(self) -> [&'static str; 2] {
        let chance = mix(self.number, 8);
        [
            pick(TECHNOLOGIES, chance),
            pick(TECHNOLOGIES, (chance >> 16).wrapping_add(1)),
        ]
    }

    /// The title the company is hiring for.
    pub(crate) fn hires(self) -> Option<&'static str> {
        let chance = mix(self.number, 9);
        (chance % 3 == 1).then(|| pick(TITLES, chance >> 8).0)
    }

    /// Whether somebody of it came to the workspace's web site.
    pub(crate) fn visited(self) -> bool {
        mix(self.number, 10).is_multiple_of(50)
    }
}

impl Person {
    pub(crate) fn of(number: u32) -> Person {
        // The four of a company have different first names, so that their addresses differ.
        let first =
            mix(number, 11) / u64::from(STAFF) * u64::from(STAFF) + u64::from(number % STAFF);
        let (title, department, level) = pick(TITLES, mix(number, 12));
        let company = Company::of(number / STAFF);
        let is_remote = mix(number, 13).is_multiple_of(4);
        Person {
            number,
            first: pick(FIRST, first),
            last: pick(LAST, mix(number, 14)),
            title,
            department,
            level,
            place: if is_remote {
                pick(PLACES, mix(number, 15))
            } else {
                company.place
            },
            company,
        }
    }

    /// Everybody.
    pub(crate) fn all() -> impl Iterator<Item = Person> {
        (0..PEOPLE).map(Person::of)
    }

    pub(crate) fn full_name(self) -> String {
        format!("{} {}", self.first, self.last)
    }

    pub(crate) fn email(self) -> String {
        format!("{}.{}@{}", self.first, self.last, self.company.domain()).to_lowercase()
    }

    pub(crate) fn linked_in(self) -> String {
        format!(
            "linkedin.example/in/{}-{}-{}",
            self.first, self.last, self.number
        )
        .to_lowercase()
    }

    /// What the person did of a category; one person in three did something.
    pub(crate) fn signal(self, category: &str) -> Option<Signal> {
        let category = SIGNALS.iter().position(|(name, _)| *name == category)?;
        let chance = mix(self.number, 20 + category as u64);
        chance.is_multiple_of(3).then_some(Signal {
            category,
            person: self.number,
            age: (chance >> 8) as u32 % 90,
        })
    }
}

/// `City, State, Country`.
pub(crate) fn place_text(place: Place) -> String {
    format!("{}, {}, {}", place.0, place.1, place.2)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn everybody_has_an_address_of_their_own() {
        let addresses: HashSet<String> = Person::all().map(Person::email).collect();
        assert_eq!(addresses.len(), PEOPLE as usize);
        assert!(
            addresses
                .iter()
                .all(|address| address.ends_with(".example"))
        );
    }
}
