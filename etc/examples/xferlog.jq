# Writes the uploads and downloads in the form of xferlog(5), in local time:
#
#     sallyportctl log --json | jq -rf xferlog.jq
#
# A timer can extend a file: journalctl keeps the place in a file of its own.
#
#     journalctl --cursor-file=/var/lib/sallyport/xferlog.cursor -u sallyport -o cat |
#         sallyportctl log --file - --json | jq -rf xferlog.jq >>/var/log/xferlog
#
# A blank in a name becomes \x20.
def word: if . == "" then "?" else gsub(" "; "\\x20") end;
def address: sub("^\\[(?<a>.*)\\]:[0-9]*$"; "\(.a)") | sub("^(?<a>[^:]*):[0-9]*$"; "\(.a)");
select(.event == "transfer" and (.what == "upload" or .what == "download"))
| (.time[:19] + "Z" | fromdateiso8601 | strflocaltime("%a %b %e %H:%M:%S %Y")) as $when
| ((.ms // 0) / 1000 | floor) as $seconds
| (.peer // "?" | address) as $from
| (.to // .path // "" | word) as $path
| (.user // "" | word) as $user
| "\($when) \($seconds) \($from) \(.bytes // 0) \($path) b _ "
  + (if .what == "download" then "o" else "i" end) + " r \($user) ftp 0 * "
  + (if .failed then "i" else "c" end)
