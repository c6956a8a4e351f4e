//! Every key a policy may hold: its name, its shape, an example that is right.

use Need::{Optional, Required};
use Shape::{Bool, Integer, Map, Number, Table, Tables, Text, TextOrInteger, Texts};

/// A table of the policy and its keys.
#[derive(Debug)]
pub(super) struct Schema {
    /// The table's name as it is written in a header; empty for the top level.
    pub(super) header: &'static str,
    /// Its keys.
    pub(super) keys: &'static [Key],
}

/// A key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) need: Need,
    /// A value that is right, as TOML.
    pub(super) example: &'static str,
}

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Texts,
    Bool,
    /// A whole number within these bounds.
    Integer(u64, u64),
    /// A whole number within these bounds, or a word.
    TextOrInteger(u64, u64),
    /// A number, whole or not, within these bounds.
    Number(u32, u32),
    /// A table whose keys are known.
    Table,
    /// A list of such tables.
    Tables,
    /// A table whose keys are names.
    Map,
}

/// Whether a key may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

const fn key(name: &'static str, shape: Shape, need: Need, example: &'static str) -> Key {
    Key { name, shape, need, example }
}

/// Reads may lag behind writes by minutes, never by hours; 0 is for an emulator whose reads do not lag.
const SETTLE_MS_MAX: u64 = 3_600_000;
/// Accounts are made at most a year ahead.
const CREATE_DAYS_MAX: u64 = 365;
/// Accounts are deleted at most ten years after, else never.
const DELETE_DAYS_MAX: u64 = 3650;

/// Entra keeps no sign-in older than a few years that anybody would wait for.
const INACTIVE_DAYS_MAX: u64 = 1825;

/// Priorities lie between 0, first of all, and this.
const PRIORITY_MAX: u64 = 1000;

/// The top level.
pub(super) const ROOT: Schema = Schema {
    header: "",
    keys: &[
        key("version", Integer(0, u32::MAX as u64), Required, "1"),
        key("dialect", Text, Optional, "\"extended\""),
        key("tenant", Table, Required, "{ … }"),
        key("connections", Map, Optional, "{ … }"),
        key("accounts", Table, Optional, "{ … }"),
        key("packages", Tables, Optional, "[{ … }]"),
        key("seats", Table, Optional, "{ … }"),
        key("protected", Table, Optional, "{ … }"),
        key("guard", Map, Optional, "{ … }"),
        key("alerts", Table, Optional, "{ … }"),
        key("reconcile", Table, Optional, "{ … }"),
    ],
};

/// `[tenant]`.
pub(super) const TENANT: Schema = Schema {
    header: "[tenant]",
    keys: &[
        key("domain", Text, Required, "\"contoso.example\""),
        key("time_zone", Text, Required, "\"Europe/Amsterdam\""),
        key("anchor", Text, Required, "\"extension_0123456789abcdef0123456789abcdef_joineryPerson\""),
        key("settle_ms", Integer(0, SETTLE_MS_MAX), Optional, "300000"),
        key("usage_location", Text, Optional, "\"NL\""),
    ],
};

/// `[connections.NAME]`.
pub(super) const CONNECTION: Schema = Schema {
    header: "[connections.NAME]",
    keys: &[
        key("source", Text, Required, "\"bamboohr\""),
        key("secrets", Texts, Optional, "[\"env:BAMBOO_SECRET\"]"),
        key("time_zone", Text, Optional, "\"America/New_York\""),
        key("end_date", Text, Optional, "\"inclusive\""),
        key("precedence", Integer(0, u32::MAX as u64), Optional, "1"),
        key("api", Table, Optional, "{ company = \"acme\", key = \"env:BAMBOO_API_KEY\" }"),
    ],
};

/// `api` of a connection.
pub(super) const API: Schema = Schema {
    header: "api",
    keys: &[
        key("company", Text, Required, "\"acme\""),
        key("key", Text, Required, "\"env:BAMBOO_API_KEY\""),
        key("base_url", Text, Optional, "\"https://api.bamboohr.com\""),
    ],
};

/// `[accounts]`.
pub(super) const ACCOUNTS: Schema = Schema {
    header: "[accounts]",
    keys: &[
        key("upn", Texts, Optional, "[\"{given}.{family}\", \"{given}.{family}{n}\"]"),
        key("kinds", Map, Optional, "{ employee = \"tenant\", external = \"guest\", visitor = \"none\" }"),
        key("create_days_before", Integer(0, CREATE_DAYS_MAX), Optional, "14"),
        key("enable_at", Text, Optional, "\"06:00\""),
        key("cut_at", Text, Optional, "\"18:00\""),
        key("delete_days_after", TextOrInteger(0, DELETE_DAYS_MAX), Optional, "30"),
        key("leavers_keep_preexisting", Bool, Optional, "false"),
        key("match", Text, Optional, "\"confirm\""),
        key("guests", Table, Optional, "{ … }"),
    ],
};

/// `[accounts.guests]`.
pub(super) const GUESTS: Schema = Schema {
    header: "[accounts.guests]",
    keys: &[
        key("redirect_url", Text, Optional, "\"https://myapps.microsoft.com\""),
        key("send_message", Bool, Optional, "true"),
    ],
};

/// `[[packages]]`.
pub(super) const PACKAGE: Schema = Schema {
    header: "[[packages]]",
    keys: &[
        key("name", Text, Required, "\"sales\""),
        key("rule", Text, Required, "'user.department -eq \"Sales\"'"),
        key("priority", Integer(0, PRIORITY_MAX), Optional, "100"),
        key("groups", Tables, Optional, "[{ id = \"11111111-1111-1111-1111-111111111111\" }]"),
        key("licenses", Tables, Optional, "[{ sku = \"SPE_E3\" }]"),
    ],
};

/// `[seats]`.
pub(super) const SEATS: Schema =
    Schema { header: "[seats]", keys: &[key("reserve_before_create", Bool, Optional, "false")] };

/// One of `groups`.
pub(super) const GROUP: Schema = Schema {
    header: "groups",
    keys: &[
        key("id", Text, Required, "\"11111111-1111-1111-1111-111111111111\""),
        key("exclusive", Bool, Optional, "false"),
        key("role_assignable", Bool, Optional, "false"),
    ],
};

/// One of `licenses`.
pub(super) const LICENSE: Schema = Schema {
    header: "licenses",
    keys: &[
        key("sku", Text, Required, "\"SPE_E3\""),
        key("via", Text, Optional, "\"direct\""),
        key("group", Text, Optional, "\"22222222-2222-2222-2222-222222222222\""),
        key("disabled_plans", Texts, Optional, "[\"SWAY\"]"),
    ],
};

/// `[protected]`.
pub(super) const PROTECTED: Schema =
    Schema { header: "[protected]", keys: &[key("people", Texts, Optional, "[\"bamboo:1\"]")] };

/// `[guard.KIND]`.
pub(super) const GUARD: Schema = Schema {
    header: "[guard.KIND]",
    keys: &[
        key("people", Integer(0, u32::MAX as u64), Optional, "5"),
        key("percent", Number(0, 100), Optional, "5.0"),
        key("window", Text, Optional, "\"1h\""),
    ],
};

/// `[alerts]`.
pub(super) const ALERTS: Schema =
    Schema { header: "[alerts]", keys: &[key("webhook", Text, Optional, "\"env:ALERT_URL\"")] };

/// `[reconcile]`.
pub(super) const RECONCILE: Schema = Schema {
    header: "[reconcile]",
    keys: &[
        key("every", Text, Optional, "\"6h\""),
        key("inactive_days", Integer(1, INACTIVE_DAYS_MAX), Optional, "90"),
    ],
};

/// All of them: where a key that stands in the wrong table belongs.
pub(super) const ALL: [&Schema; 14] = [
    &ROOT,
    &TENANT,
    &CONNECTION,
    &API,
    &ACCOUNTS,
    &GUESTS,
    &PACKAGE,
    &SEATS,
    &GROUP,
    &LICENSE,
    &PROTECTED,
    &GUARD,
    &ALERTS,
    &RECONCILE,
];

impl Schema {
    /// The key of this name.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Shape {
    /// In words.
    pub(super) fn phrase(self) -> &'static str {
        match self {
            Text => "a text",
            Texts => "a list of texts",
            Bool => "`true` or `false`",
            Integer(..) => "a whole number",
            TextOrInteger(..) => "a whole number or a word",
            Number(..) => "a number",
            Table | Map => "a table",
            Tables => "a list of tables",
        }
    }
}
