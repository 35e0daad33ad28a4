# Sourced by scripts that run curl --parallel.

# N: prints how many transfers at once all get a ticket. curl 8.12 and later keep
# two for a server, of all connections together, and use each once.
at_once() {
    local most=$1
    [[ $(curl --version) =~ ^curl\ ([0-9]+)\.([0-9]+) ]] || return
    ((1000 * BASH_REMATCH[1] + BASH_REMATCH[2] < 8012 || most < 2)) || most=2
    echo "$most"
}
