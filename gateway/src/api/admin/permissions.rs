//! Which permission each endpoint of `/admin/v1` needs: one of those of its row. What has no row opens for nobody.

use http::Method;

use crate::auth::Permission;

/// By method and matched path.
pub fn permissions(method: &Method, path: &str) -> &'static [Permission] {
    let row = TABLE.iter().find(|(own_method, own_path, _)| *own_method == method.as_str() && *own_path == path);
    row.map_or(&[], |(_, _, any_of)| any_of)
}

type Row = (&'static str, &'static str, &'static [Permission]);

pub const TABLE: [Row; 50] = {
    use Permission as P;
    const WRITE_KEYS: &[Permission] = &[P::WriteKeys, P::WriteTestKeys, P::WriteOwnKeys, P::WritePeople];
    [
        ("GET", "/admin/v1/tenants", &[P::ReadTenants]),
        ("POST", "/admin/v1/tenants", &[P::WriteTenants]),
        ("GET", "/admin/v1/tenants/{tenant}", &[P::ReadTenants]),
        ("PATCH", "/admin/v1/tenants/{tenant}", &[P::WriteTenants, P::WriteBudgets, P::WriteSwitches]),
        ("GET", "/admin/v1/departments", &[P::ReadTenants]),
        ("POST", "/admin/v1/departments", &[P::WriteTenants]),
        ("GET", "/admin/v1/departments/{tenant}/{id}", &[P::ReadTenants]),
        ("PATCH", "/admin/v1/departments/{tenant}/{id}", &[P::WriteTenants]),
        ("GET", "/admin/v1/projects", &[P::ReadTenants]),
        ("POST", "/admin/v1/projects", &[P::WriteTenants]),
        ("GET", "/admin/v1/projects/{tenant}/{id}", &[P::ReadTenants]),
        ("PATCH", "/admin/v1/projects/{tenant}/{id}", &[P::WriteTenants, P::WriteBudgets, P::WriteSwitches]),
        ("GET", "/admin/v1/keys", &[P::ReadKeys]),
        ("POST", "/admin/v1/keys", WRITE_KEYS),
        ("GET", "/admin/v1/keys/{id}", &[P::ReadKeys]),
        (
            "PATCH",
            "/admin/v1/keys/{id}",
            &[P::WriteKeys, P::WriteTestKeys, P::WriteOwnKeys, P::WritePeople, P::WriteBudgets, P::WriteSwitches],
        ),
        ("DELETE", "/admin/v1/keys/{id}", WRITE_KEYS),
        ("POST", "/admin/v1/keys/{id}/rotate", WRITE_KEYS),
        ("GET", "/admin/v1/people", &[P::ReadPeople]),
        ("POST", "/admin/v1/people", &[P::WritePeople]),
        ("GET", "/admin/v1/people/{id}", &[P::ReadPeople]),
        ("PATCH", "/admin/v1/people/{id}", &[P::WritePeople]),
        ("DELETE", "/admin/v1/people/{id}", &[P::WritePeople]),
        ("POST", "/admin/v1/logout", &[P::ReadTenants]),
        ("GET", "/admin/v1/state", &[P::ExportState]),
        ("PUT", "/admin/v1/state", &[P::ImportState]),
        ("GET", "/admin/v1/switches", &[P::ReadSwitches]),
        ("PUT", "/admin/v1/switches/{kind}/{*name}", &[P::WriteSwitches]),
        ("DELETE", "/admin/v1/switches/{kind}/{*name}", &[P::WriteSwitches]),
        ("POST", "/admin/v1/pii/scan", &[P::ScanTexts]),
        ("GET", "/admin/v1/models", &[P::ReadModels]),
        ("POST", "/admin/v1/models", &[P::ControlModels]),
        ("DELETE", "/admin/v1/content", &[P::EraseContent]),
        ("GET", "/admin/v1/audit", &[P::ReadAudit]),
        ("GET", "/admin/v1/audit/keys", &[P::ReadAudit]),
        ("GET", "/admin/v1/audit/export", &[P::ReadAudit]),
        ("GET", "/admin/v1/audit/{request_id}/content", &[P::ReadAuditContent]),
        ("GET", "/admin/v1/usage", &[P::ReadUsage]),
        ("GET", "/admin/v1/usage/forecast", &[P::ReadUsage]),
        ("GET", "/admin/v1/usage/corrections", &[P::ReadUsage]),
        ("POST", "/admin/v1/usage/price", &[P::WriteInvoices]),
        // Applying it needs more.
        ("POST", "/admin/v1/usage/reconcile", &[P::ReadUsage]),
        ("GET", "/admin/v1/rates", &[P::ReadUsage]),
        ("POST", "/admin/v1/rates", &[P::WriteInvoices]),
        ("GET", "/admin/v1/invoices", &[P::ReadInvoices]),
        ("POST", "/admin/v1/invoices/close", &[P::WriteInvoices]),
        ("GET", "/admin/v1/invoices/{number}", &[P::ReadInvoices]),
        ("POST", "/admin/v1/invoices/{number}/credit", &[P::WriteInvoices]),
        ("GET", "/admin/v1/me", &[P::ReadTenants]),
        ("GET", "/admin/v1/roles", &[P::ReadTenants]),
    ]
};
