//! The addresses of protocol §7, one file per area.

mod actions;
mod blobs;
mod description;
mod devices;
mod enrolment;
mod events;
mod grants;
mod institutions;
mod log;
mod network;
mod page;
mod proposals;
mod records;
mod section_keys;
mod sessions;
mod tiles;
mod unblocks;
mod uses;
mod wraps;

pub(crate) use records::Wanted;

use crate::error::{Problem, Refusal};
use crate::http::{limited, noted, received, signed};
use crate::state::Gateway;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware;
use axum::routing::{get, post, put};
use tower_http::set_header::SetResponseHeaderLayer;

/// The whole server, without a socket.
pub fn app(gateway: Gateway) -> Router {
    let signed_layer = middleware::from_fn_with_state(gateway.clone(), signed);
    let received_layer = middleware::from_fn_with_state(gateway.clone(), received);
    let limited_layer = middleware::from_fn_with_state(gateway.clone(), limited);
    let noted_layer = middleware::from_fn_with_state(gateway.clone(), noted);
    let encrypted = gateway.settings.tls.is_some();
    Router::new()
        .merge(
            signed_routes()
                .route_layer(signed_layer)
                .layer(DefaultBodyLimit::disable()),
        )
        .merge(
            public_routes()
                .route_layer(received_layer)
                .layer(DefaultBodyLimit::disable()),
        )
        .merge(page::routes())
        .fallback(|| async { Problem::from(Refusal::NotFound) })
        .method_not_allowed_fallback(|| async { Problem::from(Refusal::MethodNotAllowed) })
        .with_state(gateway)
        .layer(limited_layer)
        .layer(noted_layer)
        .layer(always("x-content-type-options", Some("nosniff")))
        .layer(always(
            "strict-transport-security",
            encrypted.then_some("max-age=31536000"),
        ))
}

/// A header of every answer, whatever it is.
fn always(name: &'static str, value: Option<&'static str>) -> SetResponseHeaderLayer<Option<HeaderValue>> {
    SetResponseHeaderLayer::overriding(HeaderName::from_static(name), value.map(HeaderValue::from_static))
}

fn public_routes() -> Router<Gateway> {
    Router::new()
        .route("/v1/openapi.json", get(description::openapi))
        .route("/v1/network", get(network::network))
        .route("/v1/institutions", get(institutions::all))
        .route("/v1/institutions/{id}", get(institutions::one))
        .route("/v1/institutions/{id}/wraps/{recipient}", get(wraps::one))
        .route("/v1/institutions/{id}/epochs", get(wraps::older))
        .route("/v1/devices/{id}", get(devices::one))
        .route("/v1/devices/{id}/certificate", get(devices::certificate))
        .route("/v1/devices/{id}/evidence", get(devices::evidence))
        .route("/v1/checkpoints/latest", get(network::checkpoint))
        .route("/log/checkpoint", get(tiles::checkpoint))
        .route("/log/tile/{*path}", get(tiles::tile))
        .route("/v1/actions", post(actions::submit))
        .route("/v1/challenges", post(enrolment::challenge))
        .route("/v1/sessions", post(sessions::open))
        .route("/v1/device-requests", post(enrolment::request))
        .route("/v1/device-requests/{id}", get(enrolment::state))
        .route("/v1/unblocks", post(unblocks::ask).get(unblocks::named))
        .route("/v1/unblocks/{id}", get(unblocks::one))
        .route("/v1/unblocks/{id}/answer", put(unblocks::answer))
}

fn signed_routes() -> Router<Gateway> {
    Router::new()
        .route(
            "/v1/patients/{id}/section-keys",
            put(section_keys::publish).get(section_keys::show),
        )
        .route("/v1/grants", post(grants::grant).get(grants::to_institution))
        .route("/v1/patients/{id}/grants", get(grants::of_patient))
        .route("/v1/patients/{id}/records", get(records::read).post(records::write))
        .route("/v1/patients/{id}/sections/{section}/blobs/{blob}", put(blobs::put))
        .route("/v1/patients/{id}/blobs/{blob}/readings", post(blobs::log))
        .route("/v1/patients/{id}/blobs/{blob}", get(blobs::fetch))
        .route("/v1/patients/{id}/log", get(log::lines))
        .route("/v1/institutions/{id}/requests", get(enrolment::requests))
        .route(
            "/v1/institutions/{id}/requests/{digest}/refusal",
            post(enrolment::refuse),
        )
        .route("/v1/institutions/{id}/wraps", get(wraps::all))
        .route("/v1/institutions/{id}/wraps/{recipient}", put(wraps::put))
        .route("/v1/institutions/{id}/epochs/{epoch}", put(wraps::put_older))
        .route(
            "/v1/institutions/{id}/proposals",
            get(proposals::all).post(proposals::propose),
        )
        .route(
            "/v1/institutions/{id}/proposals/{digest}/signatures",
            post(proposals::sign),
        )
        .route(
            "/v1/institutions/{id}/proposals/{digest}/withdrawal",
            post(proposals::withdraw),
        )
        .route("/v1/institutions/{id}/devices", get(devices::of_institution))
        .route("/v1/institutions/{id}/devices/{device}/note", put(devices::note))
        .route("/v1/institutions/{id}/inks", get(uses::inks))
        .route("/v1/institutions/{id}/uses", get(uses::lines))
        .route("/v1/events", get(events::stream))
}
