# The build puts this text at the end of each program beside it. The programs make rows
# of the users file, sallyport-users(5), and lock a user if they don't understand the
# user's entry wholly: `lock` has the reasons, `words` are only printed, `end` is when
# the user expires.

function begin() { lock = words = end = "" }
function add(list, what) { return list (list == "" ? "" : "; ") what }
# A '!' or '*' before a hash locks; a '*' alone is no password.
function row(name, hash, comment, keys) {
    gsub(/[[:cntrl:]:]/, "?", name)
    sub(/^#/, "?", name)
    gsub(/[[:cntrl:]:]/, "?", comment)
    if (hash ~ /^!|^\*./)
        lock = add(lock, "its password is locked there")
    sub(/^[!*]+/, "", hash)
    if (hash == "" || hash ~ /[[:cntrl:]:]/)
        hash = "*"
    words = add(words, lock)
    sub(/; $/, "", words)
    gsub(/[[:cntrl:]]/, "?", words)
    if (words != "")
        rows[++made] = "# " name ": " words
    rows[++made] = name ":" (lock == "" ? "" : "!") hash ":::" comment ":::rights=full" \
        (end == "" ? "" : " expires=" end) keys
}
# At the end: a text with a mistake gives no rows.
function print_rows(    i) {
    for (i = 1; i <= made; i++)
        print rows[i]
}
# The day, counted from 1970. The second 0 would be no end.
function date(day,    era, year, month) {
    if (day == 0)
        return "1970-01-01T00:00:01Z"
    day += 719468 # from March 1 of the year 0
    era = int(day / 146097)
    day %= 146097
    year = int((day - int(day / 1460) + int(day / 36524) - int(day / 146096)) / 365)
    day -= 365 * year + int(year / 4) - int(year / 100)
    month = int((5 * day + 2) / 153)
    day -= int((153 * month + 2) / 5)
    return sprintf("%04d-%02d-%02dT00:00:00Z", year + era * 400 + (month > 9),
                   month < 10 ? month + 3 : month - 9, day + 1)
}
# Of several ends the first one counts.
function expire(time) {
    if (end == "" || time < end)
        end = time
}
function expire_day(day) {
    if (day ~ /^[0-9]+$/ && day + 0 < 2932897)
        expire(date(day + 0))
    else if (day != "" && day != "-1")
        lock = add(lock, "the day on which it expires isn't understood: " day)
}
