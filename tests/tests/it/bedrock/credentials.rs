//! AWS's chain of credentials against services of our own making: profiles, roles, SSO, web identity, containers,
//! instance metadata, and what happens when they end or hang.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tests::{Answer, Step};

use super::*;

const FAR: &str = "2099-01-01T00:00:00Z";
const SECRET: &str = "found-secret-0123456789";

fn write(home: &Path, path: &str, text: &str) {
    let path = home.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Who gives credentials; the calls for a model are answered too.
async fn giver(answer: impl Fn(&Received) -> Option<Answer> + Send + Sync + 'static) -> Mock {
    let mock = Mock::start().await;
    mock.answer(move |received| {
        answer(received).unwrap_or_else(|| Answer::whole(200, "application/json", "{}"))
    });
    mock
}

/// Calls a model; what signed the call.
async fn found(app: &App, mock: &Mock, secret: &str) -> Signed {
    mock.take();
    let target = format!("/model/{MODEL}/converse");
    let response =
        send(app.proxy, &request("POST", &target, "Content-Type: application/json\r\n", BODY)).await;
    assert_eq!(response.status(), 200, "{}\n{}", response.text(), app.log());
    let exchanges = mock.exchanges();
    let call = exchanges.iter().find(|exchange| exchange.received.path().starts_with("/model/"));
    verify(&call.expect("the call arrived").received, secret)
}

fn assumed(prefix: &str) -> Answer {
    let credentials = format!(
        "<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>\
         <SessionToken>role-session</SessionToken><Expiration>{FAR}</Expiration></Credentials>"
    );
    let body = format!(
        "<{prefix}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{prefix}Result>{credentials}\
         <AssumedRoleUser><AssumedRoleId>A:B</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/R/B</Arn></AssumedRoleUser>\
         </{prefix}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{prefix}Response>"
    );
    Answer::whole(200, "text/xml", body)
}

#[tokio::test]
async fn a_profile_names_keys_a_region_or_a_program() {
    let mock = giver(|_| None).await;
    let setup = bare(&mock).variable("AWS_PROFILE", "work");
    write(&setup.home(), ".aws/config", "[profile work]\nregion = sa-east-1\n");
    write(
        &setup.home(),
        ".aws/credentials",
        &format!("[work]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = {SECRET}\n"),
    );
    let app = setup.start().await;
    let signed = found(&app, &mock, SECRET).await;
    assert_eq!(
        (signed.id.as_str(), signed.region.as_str(), signed.token),
        ("AKIAPROFILE", "sa-east-1", None)
    );
    let health = send(app.proxy, &request("GET", "/health/bedrock", "", b"")).await.json();
    assert_eq!(
        (health["credentials"]["source"].as_str(), health["region"].as_str()),
        (Some("AWS profile"), Some("sa-east-1"))
    );
    let setup = bare(&mock).variable("AWS_REGION", "us-east-1");
    let given = json!({
        "Version": 1, "AccessKeyId": "AKIAPROGRAM", "SecretAccessKey": SECRET, "SessionToken": "s", "Expiration": FAR,
    });
    write(&setup.home(), "given.json", &given.to_string());
    let program =
        format!("[default]\ncredential_process = cat {}\n", setup.home().join("given.json").display());
    write(&setup.home(), ".aws/config", &program);
    let app = setup.start().await;
    assert_eq!(found(&app, &mock, SECRET).await.id, "AKIAPROGRAM");
}

#[tokio::test]
async fn credentials_that_are_over_are_said_to_be() {
    let mock = Mock::start().await;
    let setup = bare(&mock).variable("AWS_REGION", "us-east-1");
    let given = json!({
        "Version": 1, "AccessKeyId": "AKIAOVER", "SecretAccessKey": SECRET, "SessionToken": "s",
        "Expiration": "2020-01-01T00:00:00Z",
    });
    write(&setup.home(), "given.json", &given.to_string());
    let program =
        format!("[default]\ncredential_process = cat {}\n", setup.home().join("given.json").display());
    write(&setup.home(), ".aws/config", &program);
    let app = setup.start().await;
    let said = send(app.proxy, &request("POST", &format!("/model/{MODEL}/invoke"), "", b"{}")).await;
    assert_ne!(said.status(), 503, "asking again does not help: {}", said.text());
    assert!(
        message(&said).contains("are over") && message(&said).contains("Log in again"),
        "{}",
        said.text()
    );
    let health = send(app.proxy, &request("GET", "/health/bedrock", "", b"")).await.text();
    assert!(health.contains("are over"), "{health}");
    assert!(mock.exchanges().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn what_a_program_says_beside_its_credentials_goes_nowhere() {
    let mock = Mock::start().await;
    let setup = bare(&mock).variable("AWS_REGION", "us-east-1");
    let program = "[default]\ncredential_process = sh -c \"echo CaNaRyOfTheProgram >&2; exit 3\"\n";
    write(&setup.home(), ".aws/config", program);
    let app = setup.start().await;
    let said = send(app.proxy, &request("POST", &format!("/model/{MODEL}/invoke"), "", b"{}")).await;
    assert!(message(&said).contains("external process exited"), "{}", said.text());
    assert!(!said.text().contains("CaNaRy"), "{}", said.text());
    assert!(!app.log().contains("CaNaRy"), "{}", app.log());
}

#[tokio::test]
async fn roles_are_assumed_by_a_profile_and_by_web_identity() {
    let mock = giver(|received| {
        let body = String::from_utf8_lossy(&received.body).into_owned();
        match body.split('&').next() {
            Some("Action=AssumeRole") => Some(assumed("AssumeRole")),
            Some("Action=AssumeRoleWithWebIdentity") if body.contains("web-token") => {
                Some(assumed("AssumeRoleWithWebIdentity"))
            }
            _ => None,
        }
    })
    .await;
    let sts = format!("http://{}", mock.address());
    let setup = bare(&mock).variable("AWS_PROFILE", "role").variable("AWS_ENDPOINT_URL_STS", &sts);
    let config = "[profile role]\nrole_arn = arn:aws:iam::1:role/R\nsource_profile = base\nregion = us-east-2\n\
                  [profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = base-secret\n";
    write(&setup.home(), ".aws/config", config);
    let app = setup.start().await;
    let signed = found(&app, &mock, SECRET).await;
    assert_eq!((signed.id.as_str(), signed.token.as_deref()), ("ASIAROLE", Some("role-session")));
    let health = send(app.proxy, &request("GET", "/health/bedrock", "", b"")).await.json();
    assert_eq!(health["credentials"]["source"], "AWS profile");
    assert_eq!(health["credentials"]["expires_ms"], 4_070_908_800_000_i64);
    // Once, and kept until shortly before their end.
    assert_eq!(found(&app, &mock, SECRET).await.id, "ASIAROLE");
    assert_eq!(mock.exchanges().len(), 1, "only the call itself");
    let setup = bare(&mock)
        .variable("AWS_ROLE_ARN", "arn:aws:iam::1:role/W")
        .variable("AWS_ENDPOINT_URL_STS", &sts)
        .variable("AWS_REGION", "eu-west-2");
    write(&setup.home(), "token", "web-token");
    let file = setup.home().join("token").display().to_string();
    let app = setup.variable("AWS_WEB_IDENTITY_TOKEN_FILE", &file).start().await;
    assert_eq!(found(&app, &mock, SECRET).await.id, "ASIAROLE");
    let health = send(app.proxy, &request("GET", "/health/bedrock", "", b"")).await.json();
    assert_eq!(health["credentials"]["source"], "web identity");
}

#[tokio::test]
async fn an_sso_login_is_used_and_one_that_is_over_is_named() {
    let mock = giver(|received| {
        let right = received.head.header("x-amz-sso_bearer_token").as_deref() == Some("sso-token");
        received.path().ends_with("/federation/credentials").then(|| match right {
            true => {
                let role = json!({
                    "accessKeyId": "ASIASSO", "secretAccessKey": SECRET, "sessionToken": "sso-session",
                    "expiration": 4_070_908_800_000_i64,
                });
                Answer::whole(200, "application/json", json!({"roleCredentials": role}).to_string())
            }
            false => Answer::whole(401, "application/json", "{}")
                .header("x-amzn-errortype", "UnauthorizedException"),
        })
    })
    .await;
    let config = "[default]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = R\nregion = eu-west-3\n\
                  [sso-session s]\nsso_region = us-east-1\nsso_start_url = https://start.example\n";
    for (expires, good) in [(FAR, true), ("2020-01-01T00:00:00Z", false)] {
        let portal = format!("http://{}", mock.address());
        let setup = bare(&mock)
            .variable("AWS_ENDPOINT_URL_SSO", &portal)
            .variable("AWS_ENDPOINT_URL_SSO_OIDC", &portal);
        write(&setup.home(), ".aws/config", config);
        // The file's name is the SHA-1 of the session's name.
        let cached = json!({"accessToken": "sso-token", "expiresAt": expires, "region": "us-east-1", "startUrl": "https://start.example"});
        write(
            &setup.home(),
            ".aws/sso/cache/a0f1490a20d0211c997b44bc357e1972deab8ae3.json",
            &cached.to_string(),
        );
        let app = setup.start().await;
        if good {
            let signed = found(&app, &mock, SECRET).await;
            assert_eq!((signed.id.as_str(), signed.region.as_str()), ("ASIASSO", "eu-west-3"));
            let health = send(app.proxy, &request("GET", "/health/bedrock", "", b"")).await.json();
            assert_eq!(health["credentials"]["source"], "SSO");
        } else {
            let said = refused(&app, &mock, &format!("/model/{MODEL}/invoke"), "", BODY).await;
            assert_eq!(said.status(), 403);
            assert!(message(&said).contains("aws sso login"), "{}", said.text());
        }
    }
}

#[tokio::test]
async fn containers_and_instances_have_credentials() {
    let mock = giver(|received| {
        let given = |id: &str| json!({
            "Code": "Success", "AccessKeyId": id, "SecretAccessKey": SECRET, "Token": "machine-session", "Expiration": FAR,
        });
        let json = |text: String| Some(Answer::whole(200, "application/json", text));
        let with_token = received.head.header("x-aws-ec2-metadata-token").as_deref() == Some("imds-token");
        match (received.method(), received.path()) {
            ("GET", "/container") => json(given("ASIACONTAINER").to_string()),
            ("PUT", "/latest/api/token") => {
                Some(Answer::whole(200, "text/plain", "imds-token").header("x-aws-ec2-metadata-token-ttl-seconds", "21600"))
            }
            ("GET", path) if path.starts_with("/latest/") && !with_token => Some(Answer::whole(401, "text/plain", "")),
            ("GET", "/latest/meta-data/placement/region") => Some(Answer::whole(200, "text/plain", "ca-central-1")),
            ("GET", path) if path.ends_with("/the-role") => json(given("ASIAINSTANCE").to_string()),
            ("GET", path) if path.contains("security-credentials") => Some(Answer::whole(200, "text/plain", "the-role")),
            _ => None,
        }
    })
    .await;
    let address = mock.address();
    let setup = bare(&mock).variable("AWS_REGION", "us-west-1");
    let app = setup
        .variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("http://{address}/container"))
        .start()
        .await;
    assert_eq!(found(&app, &mock, SECRET).await.id, "ASIACONTAINER");
    let setup = bare(&mock).variable("AWS_EC2_METADATA_DISABLED", "false");
    let app = setup.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", &format!("http://{address}")).start().await;
    let signed = found(&app, &mock, SECRET).await;
    assert_eq!((signed.id.as_str(), signed.region.as_str()), ("ASIAINSTANCE", "ca-central-1"));
    let health = send(app.proxy, &request("GET", "/health/bedrock", "", b"")).await.json();
    assert_eq!(health["credentials"]["source"], "instance metadata (IMDSv2)");
}

#[tokio::test]
async fn a_metadata_service_that_hangs_holds_no_call_for_long() {
    let mock = giver(|received| {
        received
            .path()
            .starts_with("/latest/")
            .then(|| Answer { steps: vec![Step::Gate], ..Answer::whole(200, "text/plain", "") })
    })
    .await;
    let setup =
        bare(&mock).variable("AWS_EC2_METADATA_DISABLED", "false").variable("AWS_REGION", "us-east-1");
    let app = setup
        .variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", &format!("http://{}", mock.address()))
        .start()
        .await;
    let target = format!("/model/{MODEL}/invoke");
    let response = send(app.proxy, &request("POST", &target, "", BODY)).await;
    // Either AWS's library gave up first, or we did.
    assert!([403, 503].contains(&response.status()), "{}", response.text());
    assert!(message(&response).contains("credentials"), "{}", response.text());
    // Other providers are not held up, and neither is who brings a key.
    let own = "Authorization: Bearer bedrock-api-key-own\r\n";
    assert_eq!(send(app.proxy, &request("POST", &target, own, BODY)).await.status(), 200);
}

#[tokio::test]
async fn credentials_that_are_refused_are_looked_for_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let mock = giver(move |received| {
        let old = received.head.header("authorization").is_some_and(|value| value.contains("AKIAOLD"));
        counted.fetch_add(1, Ordering::Relaxed);
        old.then(|| {
            Answer::whole(
                403,
                "application/json",
                r#"{"message":"The security token included in the request is expired"}"#,
            )
            .header("x-amzn-ErrorType", "ExpiredTokenException:http://internal.amazon.com/")
        })
    })
    .await;
    let setup = bare(&mock).variable("AWS_REGION", "us-east-1");
    let keys = |id: &str| format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {SECRET}\n");
    write(&setup.home(), ".aws/credentials", &keys("AKIAOLD"));
    let app = setup.start().await;
    let target = format!("/model/{MODEL}/converse");
    let (refused, received) = call(&app, &mock, "POST", &target, "", BODY).await;
    assert_eq!((refused.status(), verify(&received, SECRET).id.as_str()), (403, "AKIAOLD"));
    let row = app.recorded(1).await.remove(0);
    assert!(row.error.as_deref().unwrap().starts_with("ExpiredTokenException: "), "{:?}", row.error);
    // Somebody renews them meanwhile, and the very next call goes with the new ones.
    write(&app.home(), ".aws/credentials", &keys("AKIANEW"));
    assert_eq!(found(&app, &mock, SECRET).await.id, "AKIANEW");
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}
