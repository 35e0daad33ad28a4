#!/usr/bin/env bash
# PHP's FTP functions: what becomes of a cut upload, and of changed files.
# In the long run.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
cat >play.php <<'END'
<?php
[, $host, $port, $user, $passfile, $way, $name] = $argv;
$ftp = ftp_ssl_connect($host, $port, 30);
ftp_login($ftp, $user, file_get_contents($passfile)) && ftp_pasv($ftp, true) or exit(1);
$move = $way == 'up' ? 'ftp_put' : 'ftp_get';
exit($move($ftp, "changed/$name", "changed/$name", FTP_BINARY, FTP_AUTORESUME) ? 0 : 1);
END
play() { timeout 60 php play.php "$host" "$port" "$user" "$passfile" "$@" >>transcript 2>&1; }
changed upload 'PHP `FTP_AUTORESUME`' play up
changed download 'PHP `FTP_AUTORESUME`' play down
echo "php: done"
