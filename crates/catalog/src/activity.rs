//! Activity types of Instantly's audit log.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! activities {
    ($($variant:ident $number:literal $text:literal;)*) => {
        /// What an entry of the audit log says happened. A number the vendor adds later is kept.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "i64", into = "i64")]
        pub enum Activity {
            $(#[doc = $text] $variant,)*
            /// A number not known here.
            Other(i64),
        }

        impl Activity {
            /// Every known activity.
            pub const KNOWN: &'static [Activity] = &[$(Activity::$variant),*];

            /// What it is, in words.
            pub const fn describe(self) -> &'static str {
                match self {
                    $(Activity::$variant => $text,)*
                    Activity::Other(_) => "Unknown activity",
                }
            }
        }

        impl From<i64> for Activity {
            fn from(number: i64) -> Activity {
                match number { $($number => Activity::$variant,)* other => Activity::Other(other) }
            }
        }

        impl From<Activity> for i64 {
            fn from(activity: Activity) -> i64 {
                match activity { $(Activity::$variant => $number,)* Activity::Other(n) => n }
            }
        }
    };
}

activities! {
    UserLogin 1 "User login";
    LeadDeletion 2 "Lead deletion";
    CampaignDeletion 3 "Campaign deletion";
    CampaignLaunch 4 "Campaign launch";
    CampaignPause 5 "Campaign pause";
    AccountAddition 6 "Account addition";
    AccountDeletion 7 "Account deletion";
    LeadMoved 8 "Lead moved";
    LeadAdded 9 "Lead added";
    LeadMerged 10 "Lead merged";
    CampaignUpdate 11 "Campaign update";
    SubsequenceUpdate 12 "Subsequence update";
    WebhookCreated 18 "Webhook created";
    WebhookUpdated 19 "Webhook updated";
    WebhookMarkedAsError 20 "Webhook marked as error";
    WebhookResumed 21 "Webhook resumed";
    TotpEnrollmentStarted 22 "TOTP enrollment started";
    TotpEnabled 23 "TOTP enabled";
    TotpReplacementStarted 24 "TOTP replacement started";
    TotpReplaced 25 "TOTP replaced";
    TotpDisabled 26 "TOTP disabled";
    MfaRecoveryCodesGenerated 27 "MFA recovery codes generated";
    MfaRecoveryCodeUsed 28 "MFA recovery code used";
    MfaLoginChallengeFailed 29 "MFA login challenge failed";
    MfaLoginChallengeFailedTooManyTimes 30 "MFA login challenge failed too many times";
    MfaLoginSucceeded 31 "MFA login succeeded";
    SubscriberImportStarted 32 "Subscriber import started";
    SubscriberImportCancelled 33 "Subscriber import cancelled";
    LeadExported 34 "Lead exported";
    SupersearchEnrichmentCreated 35 "SuperSearch enrichment created";
    AccountUpdate 36 "Account update";
    ApiKeyCreated 37 "API key created";
    ApiKeyDeleted 38 "API key deleted";
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe())
    }
}
