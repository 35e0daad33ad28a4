#!/usr/bin/env bash
# Ruby's Net::FTP: what becomes of changed files.
# In the long run.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
cat >play.rb <<'END'
require 'net/ftp'
host, port, user, passfile, cacert, way, name = ARGV
ftp = Net::FTP.new(host, port: port.to_i, username: user, password: File.read(passfile),
                   ssl: { ca_file: cacert })
ftp.resume = true
name = "changed/#{name}"
way == 'up' ? ftp.putbinaryfile(name, name) : ftp.getbinaryfile(name, name)
ftp.quit
END
play() { timeout 60 ruby play.rb "${opening[@]:0:5}" "$@" >>transcript 2>&1; }
changed upload 'Ruby `resume = true`' play up
changed download 'Ruby `resume = true`' play down
echo "ruby: done"
