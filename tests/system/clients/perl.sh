#!/usr/bin/env bash
# Perl's Net::FTP with IO::Socket::SSL. Before 3.15 it resumes no TLS session: it
# stores that of the control connection under the server's name, and looks for it
# under the data connection's address and port. So it needs data_binding=address.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
head -c 3000001 /dev/urandom >up
head -c 1000000 up >part

step "TLS 1.2 and 1.3: all five"
timeout 80 perl - "$host" "$port" "$user" "$passfile" "$cacert" \
    2>>transcript <<'PERL'
use strict;
use warnings;
use Net::FTP;

my ($host, $port, $user, $passfile, $cacert) = @ARGV;
my $all = -s 'up';
sub slurp { local $/; open my $f, '<:raw', shift or die $!; <$f> }

sub enter {
    my $version = shift;
    my $ftp = Net::FTP->new($host, Port => $port, Passive => 1,
        SSL_ca_file => $cacert, SSL_version => $version, Timeout => 30,
        Debug => 1) or die "no connection: $@";
    $ftp->starttls or die 'no TLS: ', $ftp->message;
    $ftp->login($user, slurp($passfile)) or die $ftp->message;
    $ftp->binary;
    return $ftp;
}

sub must {
    my ($ftp, $what, $done, $code) = @_;
    die "$what: ", $ftp->message if !$done || $code && $ftp->code != $code;
}

sub listed {
    my ($ftp, $name, $size) = @_;
    grep { /^-rw\S+ +\d+ \S+ \S+ +$size .* \Q$name\E$/ } $ftp->dir;
}

sub play {
    my $ftp = enter(shift);

    must($ftp, 'upload', $ftp->put('up', 'a'), 226);
    must($ftp, 'download', $ftp->get('a', 'down'), 226);
    slurp('down') eq slurp('up') or die 'downloaded something else';

    must($ftp, 'resumed download', $ftp->get('a', 'part', -s 'part'), 226);
    slurp('part') eq slurp('up') or die 'resumed to something else';
    truncate 'part', 1000000;

    # Sends half of it, and then the connection breaks without close_notify.
    my $data = $ftp->stor('b') or die $ftp->message;
    my $half = substr slurp('up'), 0, 1500000;
    $data->write($half, length $half) == length $half or die 'write';
    IO::Socket::SSL::close($data, SSL_no_shutdown => 1);
    $ftp->response;
    must($ftp, 'cut upload', 1, 426);
    listed($ftp, 'b', '\d+') and die 'half a file can be seen';

    # Sends the rest from where the server says, by REST and STOR.
    my $at = $ftp->size('b');
    $at && $at < length $half or die "size of a cut upload";
    open my $rest, '<:raw', 'up' or die $!;
    seek $rest, $at, 0;
    $ftp->restart($at);
    must($ftp, 'resumed upload', $ftp->put($rest, 'b'), 226);
    must($ftp, 'download', $ftp->get('b', 'down'), 226);
    slurp('down') eq slurp('up') or die 'resumed to something else';

    listed($ftp, 'b', $all) or die 'not listed';
    must($ftp, 'rename', $ftp->rename('b', 'c'), 250);
    listed($ftp, 'b', $all) and die 'still listed';
    listed($ftp, 'c', $all) or die 'not listed under its new name';
    must($ftp, 'delete', $ftp->delete($_), 250) for 'a', 'c';
    $ftp->quit;
}

play($_) for 'TLSv1_2', 'TLSv1_3';
PERL
said '<<< 226 Transfer complete'
said '<<< 426 '
said '>>> REST [1-9]'

cat >changed.pl <<'PERL'
use strict;
use warnings;
use Net::FTP;

my ($host, $port, $user, $passfile, $cacert, $way, $name) = @ARGV;
open my $f, '<:raw', $passfile or die $!;
my $ftp = Net::FTP->new($host, Port => $port, Passive => 1,
    SSL_ca_file => $cacert) or die "no connection: $@";
$ftp->starttls && $ftp->login($user, scalar <$f>) && $ftp->binary;
$name = "changed/$name";
if ($way eq 'up') {
    my $at = $ftp->size($name);
    open my $rest, '<:raw', $name or die $!;
    seek $rest, $at, 0;
    $ftp->restart($at);
    $ftp->put($rest, $name) or die $ftp->message;
} else {
    $ftp->get($name, $name, -s $name) or die $ftp->message;
}
PERL
go_on() { timeout 60 perl changed.pl "${opening[@]:0:5}" "$@" >>transcript 2>&1; }
changed upload 'Net::FTP `restart(`' go_on up
changed download 'Net::FTP `get`' go_on down

mkfifo slow
cat >slow.pl <<'PERL'
use strict;
use warnings;
use Net::FTP;

my ($host, $port, $user, $passfile, $cacert) = @ARGV;
open my $f, '<:raw', $passfile or die $!;
my $ftp = Net::FTP->new($host, Port => $port, Passive => 1,
    SSL_ca_file => $cacert) or die "no connection: $@";
$ftp->starttls && $ftp->login($user, scalar <$f>) && $ftp->binary;
open my $slow, '<:raw', 'slow' or die $!;
$ftp->put($slow, 'kept') or die $ftp->message;
PERL
upload_slowly() {
    timeout --foreground 60 perl slow.pl "$@" >>transcript 2>&1
}
interrupt_uploading upload_slowly "$@"
echo "perl: done"
