//! The two macros: a table of elements becomes a segment's struct, a list of segments and loops becomes a loop's.

/// A segment as a struct: `name: type [dictionary kind min max Must|May list?]`.
macro_rules! segment {
    (@must Must) => { true };
    (@must May) => { false };
    ($(#[$doc:meta])* $name:ident $id:literal {
        $($field:ident: $ty:ty [$number:literal $kind:ident $min:literal $max:literal $use:ident $($list:ident)?]),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(#[serde(skip_serializing_if = "crate::x12::value::Value::is_blank")] pub $field: $ty,)*
            /// Elements beyond those the segment has.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub more: Vec<String>,
        }

        impl $crate::x12::part::Empty for $name {
            fn empty(&self) -> bool {
                $crate::x12::part::Part::is_blank(self)
            }
        }

        impl $crate::x12::part::Part for $name {
            const ID: &'static str = $id;
            const SPEC: &'static [$crate::x12::value::ElementSpec] = &[$(
                $crate::x12::value::ElementSpec {
                    name: stringify!($field),
                    number: $number,
                    kind: $crate::x12::value::Kind::$kind,
                    min: $min,
                    max: $max,
                    must: $crate::x12::part::segment!(@must $use),
                    list: {
                        let none: Option<$crate::x12::code::List> = None;
                        $(let none = { let _ = none; Some($crate::x12::code::List::$list) };)?
                        none
                    },
                },
            )*];

            fn read(
                segment: &$crate::x12::segment::Segment<'_>,
                cursor: &mut $crate::x12::part::Cursor<'_>,
            ) -> Self {
                let mut n = 0;
                $(
                    n += 1;
                    let $field = $crate::x12::part::element(segment, n, &Self::SPEC[n - 1], cursor);
                )*
                let more = $crate::x12::part::beyond(segment, n, cursor);
                Self { $($field,)* more }
            }

            fn write(&self, out: &mut $crate::x12::out::Out) {
                out.open($id);
                let mut n = 0;
                $(
                    $crate::x12::part::put(&self.$field, &Self::SPEC[n], out);
                    n += 1;
                )*
                let _ = n;
                self.more.iter().for_each(|element| out.put(element));
                out.close();
            }

            fn is_blank(&self) -> bool {
                true $(&& $crate::x12::value::Value::is_blank(&self.$field))* && self.more.is_empty()
            }
        }
    };
}
pub(in crate::x12) use segment;

/// A loop as a struct. Its first field is the segment it begins with, perhaps only with a code in an element of it.
/// `one` must stand once, `opt` may, `many` may repeat, `some` must stand and may repeat; the same for loops with `only`,
/// `sole`, `each` and `all`.
macro_rules! looped {
    (@type one $ty:ty) => { $ty };
    (@type opt $ty:ty) => { Option<$ty> };
    (@type many $ty:ty) => { Vec<$ty> };
    (@type some $ty:ty) => { Vec<$ty> };
    (@type sole $ty:ty) => { Option<$ty> };
    (@type only $ty:ty) => { Option<$ty> };
    (@type each $ty:ty) => { Vec<$ty> };
    (@type all $ty:ty) => { Vec<$ty> };

    (@takes one $ty:ty, $s:expr) => { $s.is(<$ty as $crate::x12::part::Part>::ID) };
    (@takes opt $ty:ty, $s:expr) => { $s.is(<$ty as $crate::x12::part::Part>::ID) };
    (@takes many $ty:ty, $s:expr) => { $s.is(<$ty as $crate::x12::part::Part>::ID) };
    (@takes some $ty:ty, $s:expr) => { $s.is(<$ty as $crate::x12::part::Part>::ID) };
    (@takes $loop:ident $ty:ty, $s:expr) => { <$ty as $crate::x12::part::Loop>::starts($s) };

    (@knows one $ty:ty, $id:expr) => { <$ty as $crate::x12::part::Part>::ID.as_bytes() == $id };
    (@knows opt $ty:ty, $id:expr) => { <$ty as $crate::x12::part::Part>::ID.as_bytes() == $id };
    (@knows many $ty:ty, $id:expr) => { <$ty as $crate::x12::part::Part>::ID.as_bytes() == $id };
    (@knows some $ty:ty, $id:expr) => { <$ty as $crate::x12::part::Part>::ID.as_bytes() == $id };
    (@knows $loop:ident $ty:ty, $id:expr) => { <$ty as $crate::x12::part::Loop>::knows($id) };

    (@room one $field:expr) => { $crate::x12::part::Part::is_blank(&$field) };
    (@room opt $field:expr) => { $field.is_none() };
    (@room sole $field:expr) => { $field.is_none() };
    (@room only $field:expr) => { $field.is_none() };
    (@room $many:ident $field:expr) => { true };

    (@fill one $field:expr, $s:expr, $cursor:expr, $frame:expr) => { $field = $cursor.take($s) };
    (@fill opt $field:expr, $s:expr, $cursor:expr, $frame:expr) => { $field = Some($cursor.take($s)) };
    (@fill many $field:expr, $s:expr, $cursor:expr, $frame:expr) => { $field.push($cursor.take($s)) };
    (@fill some $field:expr, $s:expr, $cursor:expr, $frame:expr) => { $field.push($cursor.take($s)) };
    (@fill sole $field:expr, $s:expr, $cursor:expr, $frame:expr) => {
        $field = Some($crate::x12::part::Loop::read($cursor, Some($frame)))
    };
    (@fill only $field:expr, $s:expr, $cursor:expr, $frame:expr) => {
        $field = Some($crate::x12::part::Loop::read($cursor, Some($frame)))
    };
    (@fill $each:ident $field:expr, $s:expr, $cursor:expr, $frame:expr) => {
        $field.push($crate::x12::part::Loop::read($cursor, Some($frame)))
    };

    (@need one $field:expr, $ty:ty, $cursor:expr) => {
        if $crate::x12::part::Part::is_blank(&$field) {
            $cursor.missing(<$ty as $crate::x12::part::Part>::ID, Self::ID);
        }
    };
    (@need some $field:expr, $ty:ty, $cursor:expr) => {
        if $field.is_empty() {
            $cursor.missing(<$ty as $crate::x12::part::Part>::ID, Self::ID);
        }
    };
    (@need only $field:expr, $ty:ty, $cursor:expr) => {
        if $field.is_none() {
            $cursor.missing(<$ty>::FIRST, <$ty as $crate::x12::part::Loop>::ID);
        }
    };
    (@need all $field:expr, $ty:ty, $cursor:expr) => {
        if $field.is_empty() {
            $cursor.missing(<$ty>::FIRST, <$ty as $crate::x12::part::Loop>::ID);
        }
    };
    (@need $may:ident $field:expr, $ty:ty, $cursor:expr) => {};

    (@write one $field:expr, $out:expr, $before:expr) => {
        if !$crate::x12::part::Part::is_blank(&$field) {
            $before($out);
            $crate::x12::part::Part::write(&$field, $out);
        }
    };
    (@write opt $field:expr, $out:expr, $before:expr) => {
        for part in $field.iter() { $before($out); $crate::x12::part::Part::write(part, $out); }
    };
    (@write many $field:expr, $out:expr, $before:expr) => {
        for part in $field.iter() { $before($out); $crate::x12::part::Part::write(part, $out); }
    };
    (@write some $field:expr, $out:expr, $before:expr) => {
        for part in $field.iter() { $before($out); $crate::x12::part::Part::write(part, $out); }
    };
    (@write $loop:ident $field:expr, $out:expr, $before:expr) => {
        for inner in $field.iter() { $before($out); $crate::x12::part::Loop::write(inner, $out); }
    };

    (@first $first:ident $rest:ident $($more:tt)*) => { $first };

    ($(#[$doc:meta])* $name:ident $id:literal, $first:ident $(($element:literal in $($code:literal)|+))? {
        $($(#[$fdoc:meta])* $word:ident $field:ident: $ty:ty),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[$fdoc])*
                #[serde(skip_serializing_if = "crate::x12::part::Empty::empty")]
                pub $field: $crate::x12::part::looped!(@type $word $ty),
            )*
            /// Segments that do not belong here, kept as they came.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub strays: Vec<$crate::x12::part::Stray>,
        }

        impl $name {
            /// The segment it begins with.
            pub const FIRST: &'static str = <$first as $crate::x12::part::Part>::ID;
        }

        impl $crate::x12::part::Loop for $name {
            const ID: &'static str = $id;

            fn starts(segment: &$crate::x12::segment::Segment<'_>) -> bool {
                segment.is(Self::FIRST)
                    $(&& [$($code.as_bytes()),+].contains(&segment.raw($element)))?
            }

            fn takes(segment: &$crate::x12::segment::Segment<'_>) -> bool {
                false $(|| $crate::x12::part::looped!(@takes $word $ty, segment))*
            }

            fn knows(id: &[u8]) -> bool {
                false $(|| $crate::x12::part::looped!(@knows $word $ty, id))*
            }

            fn read(
                cursor: &mut $crate::x12::part::Cursor<'_>,
                up: Option<&$crate::x12::part::Frame<'_>>,
            ) -> Self {
                let mut this = Self::default();
                let frame = $crate::x12::part::Frame { takes: Self::takes, up };
                let begin = cursor.index();
                let around = std::mem::replace(&mut cursor.within, Self::ID);
                let mut slot = 0;
                while let Some(segment) = cursor.peek() {
                    let mut now = 0;
                    $(
                        now += 1;
                        if $crate::x12::part::looped!(@takes $word $ty, &segment)
                            && $crate::x12::part::looped!(@room $word this.$field)
                        {
                            cursor.order(&mut slot, now, &segment);
                            $crate::x12::part::looped!(@fill $word this.$field, &segment, cursor, &frame);
                            continue;
                        }
                    )*
                    let _ = now;
                    if frame.above(&segment) {
                        break;
                    }
                    let expected = Self::takes(&segment);
                    this.strays.extend(cursor.stray(begin, expected));
                }
                $($crate::x12::part::looped!(@need $word this.$field, $ty, cursor);)*
                cursor.within = around;
                this
            }

            fn write(&self, out: &mut $crate::x12::out::Out) {
                let begin = out.count();
                let mut next = 0;
                let mut before = |out: &mut $crate::x12::out::Out| {
                    $crate::x12::part::strays(&self.strays, &mut next, begin, out);
                };
                $($crate::x12::part::looped!(@write $word self.$field, out, before);)*
                $crate::x12::part::leftover(&self.strays, next, out);
            }
        }
    };
}
pub(in crate::x12) use looped;
