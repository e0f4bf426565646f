//! OpenID Connect as far as the workspace needs it: discovery, one client, authorization codes with PKCE (S256 only),
//! ES256 identity tokens, refresh. A code that comes a second time revokes everything given for it.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
        UnparsedPublicKey,
    },
};
use axum::{
    Form, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::portal::sim::Sim;

type Shared = State<Arc<Sim>>;

/// Who gives tokens.
pub(super) const ISSUER: &str = "https://login.larkfield.test";
/// The one client.
pub(super) const CLIENT: &str = "provider-workspace";
/// Where codes go.
pub(super) const REDIRECT: &str = "https://provider.larkfield.test/callback";
/// An access token lives so long; the workspace asks for the next by itself.
const ACCESS: SignedDuration = SignedDuration::from_mins(10);
/// Nothing is given any more so long after the sign-in.
const REFRESH: SignedDuration = SignedDuration::from_hours(8);
/// A code is good for so long.
const CODE: SignedDuration = SignedDuration::from_mins(1);

/// What an authorization request says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    pub(super) client_id: String,
    #[serde(default)]
    pub(super) redirect_uri: String,
    #[serde(default)]
    pub(super) response_type: String,
    #[serde(default)]
    pub(super) scope: String,
    #[serde(default)]
    pub(super) state: String,
    #[serde(default)]
    pub(super) nonce: String,
    #[serde(default)]
    pub(super) code_challenge: String,
    #[serde(default)]
    pub(super) code_challenge_method: String,
}

impl Asked {
    /// What is wrong with it, in the words of the standard.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if self.client_id != CLIENT || self.redirect_uri != REDIRECT {
            return Some("unauthorized_client");
        }
        if self.response_type != "code" {
            return Some("unsupported_response_type");
        }
        if !self.scope.split(' ').any(|scope| scope == "openid") {
            return Some("invalid_scope");
        }
        let pkce = self.code_challenge_method == "S256" && self.code_challenge.len() == 43;
        (!pkce || self.state.is_empty() || self.nonce.is_empty()).then_some("invalid_request")
    }
}

/// A code before it is exchanged, kept for as long as it could come again.
#[derive(Serialize, Deserialize)]
struct Code {
    account: String,
    challenge: String,
    nonce: String,
    until: Timestamp,
    grant: Option<String>,
}

/// What somebody was given: good until it ends or is revoked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) until: Timestamp,
    pub(super) revoked: bool,
}

/// The answer to an exchange.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Tokens {
    pub(super) access_token: String,
    pub(super) refresh_token: String,
    pub(super) id_token: String,
    pub(super) token_type: &'static str,
    pub(super) expires_in: i64,
}

/// The S256 challenge of a verifier.
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// A code for an account that has passed every page.
pub(super) fn code(sim: &Sim, asked: &Asked, account: &str) -> String {
    let value = Sim::secret();
    let code = Code {
        account: account.to_owned(),
        challenge: asked.code_challenge.clone(),
        nonce: asked.nonce.clone(),
        until: sim.now() + CODE,
        grant: None,
    };
    sim.kept.put(&format!("oidc/code/{value}"), json!(code));
    value
}

/// Exchanges a code.
pub(super) fn exchange(sim: &Sim, value: &str, verifier: &str) -> Result<Tokens, &'static str> {
    let key = format!("oidc/code/{value}");
    let kept = sim.kept.get(&key).and_then(|kept| serde_json::from_value::<Code>(kept).ok());
    let mut code = kept.ok_or("invalid_grant")?;
    if let Some(grant) = &code.grant {
        revoke(sim, grant);
        return Err("invalid_grant");
    }
    if sim.now() > code.until || challenge(verifier) != code.challenge {
        return Err("invalid_grant");
    }
    let grant = Grant {
        id: Sim::secret(),
        account: code.account.clone(),
        until: sim.now() + REFRESH,
        revoked: false,
    };
    sim.kept.put(&format!("oidc/grant/{}", grant.id), json!(grant));
    code.grant = Some(grant.id.clone());
    sim.kept.put(&key, json!(code));
    Ok(tokens(sim, &grant, &code.nonce))
}

fn tokens(sim: &Sim, grant: &Grant, nonce: &str) -> Tokens {
    let until = (sim.now() + ACCESS).min(grant.until);
    let claims = json!({
        "iss": ISSUER, "aud": CLIENT, "sub": grant.account, "nonce": nonce,
        "iat": sim.now().as_second(), "exp": until.as_second(),
    });
    Tokens {
        access_token: format!("{}.{}", grant.id, until.as_second()),
        refresh_token: grant.id.clone(),
        id_token: signed(sim, &claims),
        token_type: "Bearer",
        expires_in: until.duration_since(sim.now()).as_secs(),
    }
}

/// New tokens for a grant that has not ended.
pub(super) fn refresh(sim: &Sim, grant: &str) -> Result<Tokens, &'static str> {
    let grant = standing(sim, grant).ok_or("invalid_grant")?;
    Ok(tokens(sim, &grant, ""))
}

/// The grant, as long as it stands.
pub(super) fn standing(sim: &Sim, grant: &str) -> Option<Grant> {
    let kept = sim.kept.get(&format!("oidc/grant/{grant}"))?;
    let grant: Grant = serde_json::from_value(kept).ok()?;
    (!grant.revoked && sim.now() < grant.until).then_some(grant)
}

fn revoke(sim: &Sim, id: &str) {
    let key = format!("oidc/grant/{id}");
    if let Some(Ok(mut grant)) = sim.kept.get(&key).map(serde_json::from_value::<Grant>) {
        grant.revoked = true;
        sim.kept.put(&key, json!(grant));
    }
}

/// The signing key, made once and kept.
fn key(sim: &Sim) -> EcdsaKeyPair {
    let kept = sim.kept.get("oidc/key").and_then(|kept| STANDARD.decode(kept.as_str()?).ok());
    let pkcs8 = kept.unwrap_or_else(|| {
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let made = made.expect("a key can be made").as_ref().to_vec();
        sim.kept.put("oidc/key", json!(STANDARD.encode(&made)));
        made
    });
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8)
        .expect("our own key is read back")
}

fn signed(sim: &Sim, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": "lf-1"});
    let message = format!("{}.{}", part(&header), part(claims));
    let signature = key(sim).sign(&SystemRandom::new(), message.as_bytes());
    let signature = signature.expect("a digest can be signed");
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

/// The claims of an identity token, if it is signed by us, for the workspace, answers this nonce and has not expired.
pub(super) fn claims(sim: &Sim, token: &str, nonce: &str) -> Option<Value> {
    let (message, signature) = token.rsplit_once('.')?;
    let public = key(sim).public_key().as_ref().to_vec();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
        .verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?)
        .ok()?;
    let (_, claims) = message.split_once('.')?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    let fits = claims["iss"] == ISSUER
        && claims["aud"] == CLIENT
        && claims["nonce"] == nonce
        && claims["exp"].as_i64()? > sim.now().as_second();
    fits.then_some(claims)
}

/// `GET /.well-known/openid-configuration`
pub(super) async fn discovery() -> Json<Value> {
    Json(json!({
        "issuer": ISSUER,
        "authorization_endpoint": format!("{ISSUER}/authorize"),
        "token_endpoint": format!("{ISSUER}/token"),
        "jwks_uri": format!("{ISSUER}/jwks"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "workspace"],
    }))
}

/// `GET /jwks`
pub(super) async fn keys(State(sim): Shared) -> Json<Value> {
    let pair = key(&sim);
    // An uncompressed point: 4, then both coordinates.
    let point = pair.public_key().as_ref();
    let coordinate =
        |from: usize| URL_SAFE_NO_PAD.encode(point.get(from..from + 32).unwrap_or_default());
    Json(json!({"keys": [{
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "lf-1",
        "x": coordinate(1), "y": coordinate(33),
    }]}))
}

/// `POST /token`
pub(super) async fn token(
    State(sim): Shared,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let answer = if field("client_id") != CLIENT {
        Err("invalid_client")
    } else {
        match field("grant_type") {
            "authorization_code" if field("redirect_uri") != REDIRECT => Err("invalid_grant"),
            "authorization_code" => exchange(&sim, field("code"), field("code_verifier")),
            "refresh_token" => refresh(&sim, field("refresh_token")),
            _ => Err("unsupported_grant_type"),
        }
    };
    match answer {
        Ok(tokens) => (StatusCode::OK, Json(json!(tokens))).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_the_one_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn only_whole_requests_of_the_one_client_are_taken() {
        let good = Asked {
            client_id: CLIENT.to_owned(),
            redirect_uri: REDIRECT.to_owned(),
            response_type: "code".to_owned(),
            scope: "openid workspace".to_owned(),
            state: "s".to_owned(),
            nonce: "n".to_owned(),
            code_challenge: challenge("v"),
            code_challenge_method: "S256".to_owned(),
        };
        assert_eq!(good.fault(), None);
        let plain = Asked { code_challenge_method: "plain".to_owned(), ..good.clone() };
        assert_eq!(plain.fault(), Some("invalid_request"));
        let elsewhere =
            Asked { redirect_uri: "https://elsewhere.test/".to_owned(), ..good.clone() };
        assert_eq!(elsewhere.fault(), Some("unauthorized_client"));
        let silent = Asked { nonce: String::new(), ..good };
        assert_eq!(silent.fault(), Some("invalid_request"));
    }
}
