//! The two dialects, and every point where Microsoft's documents are silent or contradict one another, in one table.
//!
//! "The page" is Microsoft's "Manage rules for dynamic membership groups". Each row is a field of [`Choices`] and one
//! switch.
//!
//! | Field | The question | Our answer | Why |
//! | --- | --- | --- | --- |
//! | [`null_under_negation`](Choices::null_under_negation) | What do `-ne "x"`, `-notIn`, `-notContains`, `-notStartsWith`, `-notEndsWith`, `-notMatch` say of an empty attribute? | true | Documented nowhere; a negative operator is read as the opposite of the positive one, which is false of null. The page's third `assignedPlans` example needs it. |
//! | [`empty_under_all`](Choices::empty_under_all) | What does `-all` say of an empty collection? | true | The page's `-all (assignedPlan.servicePlanId -eq null)` selects "all users who have no assigned service plan". |
//! | [`negation_on_collection`](Choices::negation_on_collection) | What does `user.proxyAddresses -notEndsWith "x"`, without `-any`, say? | some value does not | The 2024 page writes it so; the 2026 page writes the same samples with `-any (_ …)`. |
//! | [`direct_reports`](Choices::direct_reports) | Does `Direct Reports for "m"` select m? | yes | "The manager is also added to a direct reports dynamic group" (the page, August 2026); earlier texts do not say. |
//! | [`not_before_null`](Choices::not_before_null) | Is `-not (user.mail -eq null)` a rule? | yes | What the page refuses is `-not` *as the comparison* (`user.mail -not null`); a comparison in parentheses is a boolean. |
//! | [`property_case`](Choices::property_case) | Does the case of a property's name matter? | no | The page says it does; its samples spell `mailNickName`, `employeeHireDate` and `memberOf` in several ways. |
//! | [`quote_escape`](Choices::quote_escape) | What escapes `"` inside double quotes? | backtick or backslash | Older texts say the one, the 2025 text names the other and shows the first. |
//! | [`escaped_quotes`](Choices::escaped_quotes) | Is ``user.department -eq `"Sales`"`` a rule? | yes, the string is `Sales` | The page calls it "the proper syntax when `Sales` is the value"; it is how the rule stands inside a PowerShell string. |
//! | [`quoted_boolean`](Choices::quoted_boolean) | Is `user.accountEnabled -eq "true"` a rule? | yes | Samples have it; the tables do not. |
//! | [`long_durations`](Choices::long_durations) | How long are the `Y` and `M` of a duration? | 365 and 30 days | Documented nowhere; that is what .NET's `XmlConvert.ToTimeSpan` makes of them. |
//! | [`bare_now`](Choices::bare_now) | Is `now` the same as `system.now`? | yes | Only the long form is documented; the short one can mean nothing else. |
//!
//! Not switchable, because only one reading makes sense: letters are compared by Unicode's simple lower-case mapping,
//! without regard to language and without normalization; an empty string is a value and not null; a comparison with a
//! value is false of null (`dirSyncEnabled -eq false`, too, of a user who was never synchronized); a date without a
//! time is midnight UTC.

/// Which language a rule is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// What Entra takes, and nothing else.
    #[default]
    Entra,
    /// Entra's language and more: any property Graph gives a user, by Graph's name or the directory's; any date with
    /// `-ge` and `-le`; `memberOf` together with other conditions, under `-not` and with `-eq`, `-ne` and `-notIn`.
    /// Inclusions and exclusions by person need no extension: `… -or user.objectId -in ["…"]`, `… -and user.objectId
    /// -notIn ["…"]`.
    Extended,
}

impl Dialect {
    /// The dialect of that name, as it is printed.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Entra, Self::Extended].into_iter().find(|dialect| dialect.to_string() == name)
    }
}

impl std::fmt::Display for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Entra => "entra",
            Self::Extended => "extended",
        })
    }
}

/// How a rule is read: its dialect, the open questions, and whether it may be about devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The language.
    pub dialect: Dialect,
    /// The open questions.
    pub choices: Choices,
    /// Whether a rule about devices is taken. Joinery's packages are for people, so it is refused unless asked for.
    pub devices: bool,
}

impl Settings {
    /// Strict Entra, users only.
    pub const ENTRA: Self = Self { dialect: Dialect::Entra, choices: Choices::DEFAULT, devices: false };
    /// The extended dialect, users only.
    pub const EXTENDED: Self = Self { dialect: Dialect::Extended, choices: Choices::DEFAULT, devices: false };

    /// The same with devices.
    #[must_use]
    pub const fn with_devices(self) -> Self {
        Self { devices: true, ..self }
    }
}

/// One answer to each open question; the table stands [above](self).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// Negative operators on an empty attribute.
    pub null_under_negation: NullUnderNegation,
    /// `-all` over an empty collection.
    pub empty_under_all: EmptyUnderAll,
    /// Negative operators directly on a collection.
    pub negation_on_collection: NegationOnCollection,
    /// Whether a manager counts among their own reports.
    pub direct_reports: DirectReports,
    /// `-not` before a comparison with null.
    pub not_before_null: NotBeforeNull,
    /// The spelling of properties.
    pub property_case: PropertyCase,
    /// The escape of a double quote.
    pub quote_escape: QuoteEscape,
    /// Quotes that are escaped themselves.
    pub escaped_quotes: EscapedQuotes,
    /// Booleans in quotes.
    pub quoted_boolean: QuotedBoolean,
    /// Years and months in durations.
    pub long_durations: LongDurations,
    /// `now` for `system.now`.
    pub bare_now: BareNow,
}

impl Choices {
    /// The answers of the table.
    pub const DEFAULT: Self = Self {
        null_under_negation: NullUnderNegation::Satisfies,
        empty_under_all: EmptyUnderAll::Holds,
        negation_on_collection: NegationOnCollection::SomeValue,
        direct_reports: DirectReports::WithManager,
        not_before_null: NotBeforeNull::Accepted,
        property_case: PropertyCase::Any,
        quote_escape: QuoteEscape::Either,
        escaped_quotes: EscapedQuotes::Accepted,
        quoted_boolean: QuotedBoolean::Accepted,
        long_durations: LongDurations::Fixed,
        bare_now: BareNow::Accepted,
    };
}

/// One question: its answers, the default first.
macro_rules! choice {
    (
        $(#[$doc:meta])*
        $name:ident { $(#[$first_doc:meta])* $first:ident, $($(#[$other_doc:meta])* $other:ident),+ }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            $(#[$first_doc])*
            #[default]
            $first,
            $($(#[$other_doc])* $other,)+
        }
    };
}

choice! {
    /// What a negative operator with a value says of an empty attribute. `-ne null` and `-not` have a plain meaning and
    /// are not touched by it.
    NullUnderNegation {
        /// A negative operator is the logical opposite of the positive one, which is false of an empty attribute: so it
        /// is true.
        Satisfies,
        /// No comparison with a value is true of an empty attribute.
        Fails
    }
}
choice! {
    /// What `-all` says of an empty collection.
    EmptyUnderAll {
        /// True: no item breaks the condition.
        Holds,
        /// False.
        Fails
    }
}
choice! {
    /// What a negative operator says of a collection without `-any` or `-all`.
    NegationOnCollection {
        /// Some value satisfies it, as with `-any`.
        SomeValue,
        /// Every value does, as with `-all`.
        EveryValue
    }
}
choice! {
    /// Whom `Direct Reports for "m"` selects.
    DirectReports {
        /// Those whose manager is m, and m.
        WithManager,
        /// Those whose manager is m.
        ReportsOnly
    }
}
choice! {
    /// Whether `-not` may stand before a comparison with null.
    NotBeforeNull {
        /// It may.
        Accepted,
        /// It is refused, with the other comparison suggested.
        Refused
    }
}
choice! {
    /// How a property may be spelled.
    PropertyCase {
        /// In any case; the documented spelling is printed.
        Any,
        /// As documented.
        AsDocumented
    }
}
choice! {
    /// What escapes a double quote inside double quotes. What is printed has backticks.
    QuoteEscape {
        /// A backtick or a backslash.
        Either,
        /// A backtick.
        Backtick,
        /// A backslash.
        Backslash
    }
}
choice! {
    /// Whether the quotes around a string may be escaped themselves.
    EscapedQuotes {
        /// They may, both alike, and are printed plain.
        Accepted,
        /// They are refused.
        Refused
    }
}
choice! {
    /// Whether a boolean may stand in quotes.
    QuotedBoolean {
        /// It may, and is printed without them.
        Accepted,
        /// It is a string, and refused as one.
        Refused
    }
}
choice! {
    /// What the years and months of a duration are.
    LongDurations {
        /// 365 and 30 days.
        Fixed,
        /// Refused.
        Refused
    }
}
choice! {
    /// Whether `now` stands for `system.now`.
    BareNow {
        /// It does, and `system.now` is printed.
        Accepted,
        /// It is a string without quotes, and refused as one.
        Refused
    }
}
