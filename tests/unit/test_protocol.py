#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The uAPI header and docs/netlink/vcpu_deboost.yaml describe the same protocol.

Names and order are read from the text of the header, values from the C compiler.
"""

import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
HEADER = os.path.join(TOP, "include", "uapi", "linux", "vcpu_deboost.h")
GOLDEN = os.path.join(TOP, "tests", "unit", "golden")

sys.dont_write_bytecode = True
sys.path.insert(0, GOLDEN)
import make as golden  # noqa: E402

TYPES = ("u32", "u64", "string", "nest", "binary")


def c_name(text):
    return text.replace("-", "_").upper()


class Header:
    """What the text of the header says."""

    def __init__(self, text):
        self.text = text
        self.enums = {}
        self.comments = {}
        for match in re.finditer(r"enum (\w+) \{(.*?)\n\};", text, re.S):
            names = []
            for line in match.group(2).splitlines():
                entry = re.match(r"\s*(\w+)\s*(?:=[^,]*)?,?\s*(?:/\*(.*?)\*/)?\s*$", line)
                if not entry or not entry.group(1):
                    continue
                names.append(entry.group(1))
                self.comments[entry.group(1)] = (entry.group(2) or "").strip()
            self.enums[match.group(1)] = names
        self.defines = set(re.findall(r"#define (VCPU_DEBOOST_\w+)\s", text))

    def values(self, names):
        """Name -> number, from the compiler."""
        lines = "".join('printf("%s %%llu\\n", (unsigned long long)%s);\n' % (n, n) for n in names)
        program = ("#include <stdio.h>\n#include <linux/vcpu_deboost.h>\n"
                   "int main(void) {\n%sreturn 0; }\n" % lines)
        with tempfile.TemporaryDirectory() as tmp:
            source, binary = os.path.join(tmp, "v.c"), os.path.join(tmp, "v")
            with open(source, "w", encoding="utf-8") as f:
                f.write(program)
            subprocess.run(["gcc", "-I", os.path.join(TOP, "include", "uapi"), source, "-o",
                            binary], check=True)
            out = subprocess.run([binary], check=True, capture_output=True, text=True).stdout
        return {n: int(v) for n, v in (line.split() for line in out.splitlines())}


class Tests:
    def __init__(self):
        self.spec = golden.load_spec()
        with open(HEADER, encoding="utf-8") as f:
            self.header = Header(f.read())
        self.consts = {d["name"]: d for d in self.spec["definitions"] if d["type"] == "const"}
        self.enums = {d["name"]: d for d in self.spec["definitions"] if d["type"] == "enum"}
        self.sets = {s["name"]: s for s in self.spec["attribute-sets"]}

    def const_c(self, name):
        return c_name("vcpu-deboost-" + name)

    def limit(self, value):
        return self.consts[value]["value"] if isinstance(value, str) else value

    def same(self, what, got, want):
        assert got == want, "%s: header has %r, spec has %r" % (what, got, want)

    def test_family(self):
        for define, value in (("c-family-name", '"%s"' % self.spec["name"]),
                              ("c-version-name", "1")):
            name = c_name(self.spec[define])
            found = re.search(r"#define %s\s+(\S+)" % name, self.header.text)
            assert found, "%s is not in the header" % name
            self.same(name, found.group(1), value)
        assert len(self.spec["name"]) <= 15, "the kernel keeps 15 characters of a family name"

    def test_multicast_groups(self):
        for group in self.spec["mcast-groups"]["list"]:
            name = c_name(group["c-define-name"])
            found = re.search(r'#define %s\s+"(\S+)"' % name, self.header.text)
            assert found, "%s is not in the header" % name
            self.same(name, found.group(1), group["name"])

    def test_constants(self):
        names = [self.const_c(n) for n in self.consts]
        values = self.header.values(names)
        for name in self.consts:
            self.same(name, values[self.const_c(name)], self.consts[name]["value"])

    def test_no_define_is_missing_in_the_spec(self):
        known = {self.const_c(n) for n in self.consts}
        known |= {c_name(self.spec[n]) for n in ("c-family-name", "c-version-name")}
        known |= {c_name(g["c-define-name"]) for g in self.spec["mcast-groups"]["list"]}
        known |= {n for n in self.header.defines if n.endswith("_MAX")}
        self.same("defines", sorted(self.header.defines - known), [])

    def test_enums(self):
        for enum in self.enums.values():
            want = [c_name(enum["name-prefix"] + e["name"]) for e in enum["entries"]]
            got = [n for n in self.header.enums[c_name(enum["enum-name"]).lower()]
                   if not n.startswith("__")]
            self.same(enum["name"], got, want)
            values = self.header.values(want)
            self.same(enum["name"], [values[n] for n in want], list(range(len(want))))
            if enum.get("render-max"):
                name = c_name(enum["name-prefix"] + "max")
                self.same(name, self.header.values([name])[name], len(want) - 1)

    def numbered_from_one(self, what, enum_name, prefix, names):
        """An enum that begins with UNSPEC and ends with __MAX."""
        max_name = c_name(prefix) + "MAX"
        want = [c_name(prefix + n) for n in names]
        got = self.header.enums[enum_name.replace("-", "_")]
        self.same(what, got, [c_name(prefix) + "UNSPEC"] + want + ["__" + max_name])
        values = self.header.values(want + [max_name])
        self.same(what, [values[n] for n in want], list(range(1, len(want) + 1)))
        self.same(max_name, values[max_name], len(want))

    def test_attributes(self):
        for attribute_set in self.sets.values():
            self.numbered_from_one(attribute_set["name"], attribute_set["enum-name"],
                                   attribute_set["name-prefix"],
                                   [a["name"] for a in attribute_set["attributes"]])

    def test_attribute_types(self):
        """The first word of an attribute's comment in the header is its type."""
        for attribute_set in self.sets.values():
            prefix = attribute_set["name-prefix"]
            for attribute in attribute_set["attributes"]:
                name = c_name(prefix + attribute["name"])
                if attribute["type"] == "pad":
                    continue
                word = re.match(r"\w*", self.header.comments[name]).group(0)
                if word not in TYPES and attribute_set["name"] == "stats":
                    word = "u64"  # as the comment above that enum says
                self.same(name, word, attribute["type"])

    def test_nests_and_enums_exist(self):
        for attribute_set in self.sets.values():
            for attribute in attribute_set["attributes"]:
                if attribute["type"] == "nest":
                    nested = self.sets[attribute["nested-attributes"]]
                    comment = self.header.comments[
                        c_name(attribute_set["name-prefix"] + attribute["name"])]
                    self.same(attribute["name"], comment.split()[-1],
                              c_name(nested["name-prefix"]) + "*")
                if "enum" in attribute:
                    assert attribute["enum"] in self.enums, attribute["enum"]

    def test_ranges(self):
        tuning = {a["name"]: a for a in self.sets["tuning"]["attributes"]}
        main = {a["name"]: a for a in self.sets["main"]["attributes"]}
        values = self.header.values([self.const_c(n) for n in (
            "window-min-ns", "window-max-ns", "window-default-ns", "grace-max-ms",
            "hist-buckets")])
        window = tuning["window-ns"]["checks"]
        self.same("window min", values[self.const_c("window-min-ns")], self.limit(window["min"]))
        self.same("window max", values[self.const_c("window-max-ns")], self.limit(window["max"]))
        default = values[self.const_c("window-default-ns")]
        assert self.limit(window["min"]) <= default <= self.limit(window["max"]), default
        self.same("grace", values[self.const_c("grace-max-ms")],
                  self.limit(main["grace-ms"]["checks"]["max"]))
        stats = {a["name"]: a for a in self.sets["stats"]["attributes"]}
        self.same("histogram", values[self.const_c("hist-buckets")] * 8,
                  stats["answer-hist"]["checks"]["exact-len"])

    def test_commands(self):
        operations = self.spec["operations"]
        self.numbered_from_one("commands", operations["enum-name"], operations["name-prefix"],
                               [o["name"] for o in operations["list"]])

    def test_command_kinds(self):
        """The comment of a command says do, dump, or both; events end in _NTF."""
        for operation in self.spec["operations"]["list"]:
            name = c_name(self.spec["operations"]["name-prefix"] + operation["name"])
            comment = self.header.comments[name]
            kinds = {k for k in ("do", "dump") if re.search(r"\b%s\b" % k, comment)}
            self.same(name, kinds, {k for k in ("do", "dump") if k in operation})
            self.same(name, name.endswith("_NTF"), "event" in operation)

    def test_operations_use_known_attributes(self):
        known = {a["name"] for a in self.sets["main"]["attributes"]}
        for operation in self.spec["operations"]["list"]:
            lists = [operation.get("event", {})]
            for kind in ("do", "dump"):
                lists += [operation.get(kind, {}).get(d, {}) for d in ("request", "reply")]
            for part in lists:
                unknown = set(part.get("attributes", [])) - known
                assert not unknown, "%s: %s" % (operation["name"], unknown)

    def test_golden_messages_are_of_this_spec(self):
        made = golden.golden()
        files = {f[:-4] for f in os.listdir(GOLDEN) if f.endswith(".bin")}
        self.same("golden files", sorted(files), sorted(made))
        for name, data in made.items():
            with open(os.path.join(GOLDEN, name + ".bin"), "rb") as f:
                assert f.read() == data, "%s.bin is stale: run golden/make.py" % name


def main():
    failed = 0
    names = [n for n in dir(Tests) if n.startswith("test_")]
    print("1..%d" % len(names))
    tests = Tests()
    for number, name in enumerate(names, 1):
        try:
            getattr(tests, name)()
            print("ok %d - %s" % (number, name))
        except (AssertionError, KeyError, subprocess.CalledProcessError) as error:
            failed += 1
            print("not ok %d - %s\n# %s: %s" % (number, name, type(error).__name__, error))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
