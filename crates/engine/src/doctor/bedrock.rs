//! Amazon Bedrock, on a machine that has something of AWS: whether calls can be signed. Reads no credential itself; an
//! LLMFlow that runs is asked.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::machine::Machine;
use super::probe::{Found, ask};
use super::{Finding, Mark, Patient};

const SUBJECT: &str = "Bedrock";
/// What says that its user has to do with AWS.
const VARIABLES: [&str; 6] = [
    "AWS_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
];
const FILES: [&str; 2] = [".aws/config", ".aws/credentials"];

pub(super) async fn check(patient: &Patient<'_>) -> Option<Finding> {
    let sign = sign(patient.machine)?;
    if !patient.settings.bedrock {
        let says = format!("There is {sign}, but Bedrock is switched off.");
        return Some(
            Finding::new(SUBJECT, Mark::Note, says).remedy("Set bedrock = true in the settings to use it."),
        );
    }
    if !patient.serving {
        let says = format!(
            "There is {sign}. Calls to Bedrock will be signed with the AWS credentials of whoever starts LLMFlow."
        );
        return Some(Finding::new(SUBJECT, Mark::Note, says));
    }
    let Found::Us(state) =
        ask((Ipv4Addr::LOCALHOST, patient.proxy_port).into(), "/health/bedrock", "bedrock").await
    else {
        let says = "The running LLMFlow is still looking for AWS credentials.";
        return Some(Finding::new(SUBJECT, Mark::Note, says).remedy("Ask again in a few seconds."));
    };
    Some(told(&state))
}

/// What the running one says.
fn told(state: &Value) -> Finding {
    let text = |pointer: &str| state.pointer(pointer).and_then(Value::as_str);
    let skew = state.get("clock_ahead_s").and_then(Value::as_i64).unwrap_or_default();
    match (text("/credentials/source"), text("/region"), text("/credentials/error")) {
        (Some(_), Some(_), _) if skew != 0 => {
            let says = format!(
                "AWS refused signatures: this machine's clock is {} s {}.",
                skew.abs(),
                if skew > 0 { "ahead" } else { "behind" }
            );
            Finding::new(SUBJECT, Mark::Warn, says).remedy("Set the clock, or switch its synchronisation on.")
        }
        (Some(source), Some(region), _) => {
            let says = format!("Calls are signed with AWS credentials ({source}) for {region}.");
            Finding::new(SUBJECT, Mark::Ok, says)
        }
        (_, None, _) => Finding::new(SUBJECT, Mark::Note, "No AWS region is known.")
            .remedy("Set bedrock_region in the settings, AWS_REGION, or region in the AWS profile."),
        (None, Some(_), Some(problem)) => match problem.split_once(". ") {
            Some((says, remedy)) => Finding::new(SUBJECT, Mark::Note, format!("{says}.")).remedy(remedy),
            None => Finding::new(SUBJECT, Mark::Note, problem),
        },
        (None, Some(_), None) => {
            Finding::new(SUBJECT, Mark::Note, "It is switched off in the running LLMFlow.")
        }
    }
}

/// What is there of AWS.
fn sign(machine: &Machine) -> Option<String> {
    let variable = VARIABLES.into_iter().find(|name| machine.variable(name).is_some());
    let file =
        || FILES.into_iter().find(|path| machine.home.join(path).is_file()).map(|path| format!("~/{path}"));
    variable.map(str::to_owned).or_else(file)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_said_is_told_with_its_remedy() {
        let ok = json!({"source": "SSO"});
        for (state, mark, says, remedy) in [
            (json!({"region": "us-east-1", "credentials": ok}), Mark::Ok, "(SSO) for us-east-1", None),
            (
                json!({"region": "us-east-1", "credentials": ok, "clock_ahead_s": -400}),
                Mark::Warn,
                "400 s behind",
                Some("clock"),
            ),
            (json!({"credentials": ok}), Mark::Note, "region", Some("bedrock_region")),
            (
                json!({"region": "us-east-1", "credentials": {"error": "None found. Run aws sso login."}}),
                Mark::Note,
                "None found.",
                Some("aws sso login"),
            ),
            (json!({"status": "disabled", "region": "us-east-1"}), Mark::Note, "switched off", None),
        ] {
            let finding = told(&state);
            assert_eq!(finding.mark, mark, "{state}");
            assert!(finding.says.contains(says), "{}", finding.says);
            match remedy {
                Some(remedy) => assert!(finding.remedy.unwrap().contains(remedy), "{state}"),
                None => assert_eq!(finding.remedy, None),
            }
        }
    }
}
