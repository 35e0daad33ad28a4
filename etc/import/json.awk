# What the programs beside this file share: the build puts it at the end of each. A
# program sets `line`, begins it with the name, and prints it by put().

# A JSON text of S.
function text(s,    out, i, c) {
    for (i = 1; i <= length(s); i++) {
        c = substr(s, i, 1)
        out = out (c == "\\" || c == "\"" ? "\\" c : c ~ /[[:cntrl:]]/ ? "?" : c)
    }
    return "\"" out "\""
}
function member(key, value) {
    if (value != "")
        line = line ", \"" key "\": " value
}
# The objects are in one array: a text that is cut is refused.
function put() { printf "%s%s}", objects++ ? ",\n" : "[\n", line }
function add(list, what) { return list (list == "" ? "" : ", ") what }
