# Reads the parameters in their format and writes "length:bytes" of each value into the file that `out` names.
use strict;
use JSON::PP;

my $from = $ENV{ATTUNE_PARAMETER_FILE} || '/dev/stdin';
open my $in, '<:raw', $from or die "$from: $!";
my $text = do { local $/; <$in> };
my %given;
if ($ENV{ATTUNE_PARAMETER_FORMAT} eq 'json') {
	%given = %{JSON::PP->new->utf8->decode($text)};
	utf8::encode($_) for values %given;
} else {
	$text =~ s/'\\''/\0/g;
	my @parts = split /'/, $text, -1;
	while (@parts > 1) {
		my ($key, $value) = splice @parts, 0, 2;
		$key =~ s/^\n|=$//g;
		$value =~ tr/\0/'/;
		$given{$key} = $value;
	}
}
open my $out, '>:raw', $given{out} or die "$given{out}: $!";
print $out length($given{$_}) . ':' . $given{$_} for sort grep /^v/, keys %given;
close $out;
