//! Traces for OpenTelemetry (OTLP over HTTP), off unless the settings name a collector. Spans carry routes, methods, statuses and
//! codes of this program, never an id, a name, an address as sent or a header's value.

use crate::settings::TraceSettings;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::time::Duration;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// The target of the spans that are exported; nothing else is, whatever other crates trace.
pub const TARGET: &str = "wardkey_trace";
/// How long the collector may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// An export that runs until this is dropped; what is left is then sent.
#[derive(Debug)]
pub struct Export(SdkTracerProvider);

impl Export {
    /// An export to the settings' collector; `None` if they name none.
    ///
    /// # Errors
    /// What the exporter says of the endpoint.
    pub fn new(settings: &TraceSettings) -> Result<Option<Self>, String> {
        let Some(endpoint) = &settings.endpoint else {
            return Ok(None);
        };
        // Another part of the process may have chosen a provider already; that one is then used.
        let _first = rustls::crypto::ring::default_provider().install_default();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| error.to_string())?;
        let resource = Resource::builder_empty().with_service_name("wardkey-gateway").build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        Ok(Some(Self(provider)))
    }

    /// The layer that gives it spans.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync>(&self) -> impl Layer<S> + use<S> {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("wardkey-gateway"))
            .with_location(false)
            .with_threads(false)
            .with_filter(filter_fn(|about| about.target() == TARGET))
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            eprintln!("wardkey-gateway: the last traces were not sent: {error}");
        }
    }
}
