# Reads the parameters in their format and writes "length:bytes" of each value into the file that `out` names.
require 'json'
require 'yaml'

def by_dotenv(text)
  text.gsub("'\\''", "\0").split("'").each_slice(2).select { |pair| pair.size == 2 }
      .to_h { |key, value| [key.strip.chomp('='), value.tr("\0", "'")] }
end

from = ENV['ATTUNE_PARAMETER_FILE']
text = (from ? File.binread(from) : $stdin.binmode.read).force_encoding('UTF-8')
given = case ENV['ATTUNE_PARAMETER_FORMAT']
        when 'json' then JSON.parse(text)
        when 'yaml' then YAML.safe_load(text)
        else by_dotenv(text)
        end
if given.key?('echo')
  print JSON.generate(given)
else
  File.open(given['out'], 'wb') { |f| given.keys.grep(/^v/).sort.each { |k| f.write("#{given[k].bytesize}:", given[k]) } }
end
