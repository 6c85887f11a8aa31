use super::def::{class, one, refs, ro};
use super::*;

#[test]
fn every_reference_of_every_class_points_to_a_class_that_there_is() {
    for (schema, class) in
        [Dialect::Shipped, Dialect::Designed].map(Schema::of).iter().flat_map(|s| s.classes().iter().map(move |c| (s, c)))
    {
        for field in &class.fields {
            if let Kind::Ref(to) | Kind::Set(Scalar::Ref(to)) = field.def.kind {
                assert!(schema.class(to).is_some(), "{}.{} points to {to}", class.def.name, field.def.name);
            }
            if let Some((from, key)) = field.def.reverse {
                let back = schema.column(from, key).unwrap_or_else(|| panic!("{from}.{key} does not exist"));
                let back = &schema.get(back.class).unwrap().fields[usize::from(back.field)];
                assert_eq!(back.def.kind, Kind::Ref(class.def.name), "{from}.{key}");
                assert_eq!(field.def.kind, refs(from));
                assert!(back.follower.is_some(), "{from}.{key} is followed");
            }
        }
    }
}

#[test]
fn names_are_unique_and_every_class_with_objects_starts_with_its_uuid() {
    let schema = Schema::of(Dialect::Shipped);
    let mut seen = std::collections::BTreeSet::new();
    for class in schema.classes() {
        assert!(seen.insert(class.event_name.clone()), "{}", class.def.name);
        let fields: std::collections::BTreeSet<_> = class.field_names().iter().collect();
        assert_eq!(fields.len(), class.fields.len(), "{} has a field twice", class.def.name);
        if class.def.table {
            assert_eq!(class.field_names().first(), Some(&"uuid"), "{}", class.def.name);
        }
    }
    assert_eq!(schema.classes().len(), 73);
}

#[test]
fn records_have_as_many_fields_as_xapi_26_17_sends() {
    let schema = Schema::of(Dialect::Shipped);
    for (name, fields) in [
        ("host", 80),
        ("pool", 66),
        ("VM", 92),
        ("task", 17),
        ("Cluster", 17),
        ("Cluster_host", 11),
        ("PIF", 35),
        ("PIF_metrics", 13),
        ("SR", 21),
        ("PBD", 6),
        ("VDI", 32),
        ("VBD", 22),
        ("VIF", 28),
        ("SM", 15),
        ("host_metrics", 6),
        ("message", 7),
        ("network", 16),
        ("Certificate", 10),
        ("VM_metrics", 19),
        ("VM_guest_metrics", 16),
        ("console", 5),
    ] {
        let class = schema.class(name).unwrap();
        assert_eq!((class.fields.len(), class.template.len()), (fields, fields), "{name}");
    }
}

#[test]
fn presets_are_xapis() {
    let schema = Schema::of(Dialect::Shipped);
    let preset = |class: &str, field: &str| {
        let class = schema.class(class).unwrap();
        class.template[class.position(field).unwrap()].clone()
    };
    assert_eq!(preset("task", "type"), "".into());
    assert_eq!(preset("task", "backtrace"), "()".into());
    assert_eq!(preset("task", "status"), "pending".into());
    assert_eq!(preset("network", "MTU"), 1500i64.into());
    assert_eq!(preset("Cluster", "token_timeout"), 20.0.into());
    assert_eq!(preset("VM", "power_state"), "Halted".into());
    assert_eq!(preset("host", "display"), "enabled".into());
    assert_eq!(preset("host", "metrics"), Ref::default().into());
    assert_eq!(preset("PIF", "currently_attached"), true.into());
}

#[test]
fn the_designed_api_has_memberships_and_causes_of_crashes_and_the_shipped_one_has_not() {
    let (shipped, designed) = (Schema::of(Dialect::Shipped), Schema::of(Dialect::Designed));
    assert!(shipped.class("Membership").is_none());
    assert_eq!(designed.class("Membership").unwrap().field_names(), ["uuid", "id", "cluster", "host", "left"]);
    for (class, field) in [("host", "memberships"), ("host_crashdump", "cause")] {
        assert!(shipped.column(class, field).is_none());
        let (before, now) = (shipped.class(class).unwrap(), designed.class(class).unwrap());
        assert_eq!([before.field_names(), &[field]].concat(), now.field_names(), "the rest is the same, in the same order");
    }
    let memberships = designed.class("host").unwrap();
    assert_eq!(memberships.template[memberships.position("memberships").unwrap()], Value::Set(Vec::new()));
}

#[test]
fn a_dialect_adds_columns_and_classes_without_touching_the_others() {
    static MORE: ClassDef = class("Widget", Role::PoolAdmin, &[ro("uuid", def::STR), ro("host", one("host"))]);
    static COLUMN: &[FieldDef] = &[ro("widgets", refs("Widget")).of("Widget", "host")];
    let schema = Schema::build(&[&MORE], &[("host", COLUMN)]);
    assert_eq!(schema.class("host").unwrap().fields.len(), 81);
    assert_eq!(schema.column("host", "widgets"), schema.class("Widget").unwrap().field("host").unwrap().follower);
    assert!(Schema::of(Dialect::Shipped).column("host", "widgets").is_none());
}
