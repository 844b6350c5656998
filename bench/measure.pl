# Runs a program to its end and prints what it took: wall and processor time in ms, peak memory in KiB, exit code.
#
# Node tells nothing of one child's usage, wait4 does; Perl is on every Debian (perl-base is essential) and is small. That
# matters: the peak of a child counts from its fork, so that a large parent would be measured in place of a small child.
use strict;
use warnings;
use POSIX ();

# wait4 and clock_gettime
my %numbers = ('x86_64' => [61, 228], 'aarch64' => [260, 113]);
my ($wait4, $clock) = @{$numbers{(POSIX::uname())[4]} or die "measured on x86_64 and aarch64 only\n"};

sub now {
    my $time = pack 'q2', 0, 0;
    syscall($clock, 1, $time) == 0 or die "clock_gettime: $!\n";
    my ($seconds, $nanoseconds) = unpack 'q2', $time;
    return $seconds * 1e3 + $nanoseconds / 1e6;
}

my $start = now();
my $pid = fork;
die "fork: $!\n" unless defined $pid;
if ($pid == 0) {
    open STDOUT, '>', '/dev/null' or POSIX::_exit(126);
    { exec { $ARGV[0] } @ARGV; }
    print STDERR "$ARGV[0]: $!\n";
    POSIX::_exit(127);
}
my $status = pack 'l', 0;
# struct rusage: 16 longs, the first four two times, then the peak
my $usage = pack 'q18', (0) x 18;
syscall($wait4, $pid, $status, 0, $usage) == $pid or die "wait4: $!\n";
my $wall = now() - $start;
my ($user, $user_micro, $system, $system_micro, $peak) = unpack 'q5', $usage;
my $cpu = ($user + $system) * 1e3 + ($user_micro + $system_micro) / 1e3;
my $code = unpack 'l', $status;
printf "%.3f %.3f %d %d\n", $wall, $cpu, $peak, ($code & 127) ? 128 + ($code & 127) : $code >> 8;
