"""The words of made-up run names."""

from __future__ import annotations

from typing import Final

# fmt: off
ADJECTIVES: Final = (
    "able", "agile", "amber", "ample", "apt", "ardent", "autumn", "azure", "balmy", "blithe", "bold", "brave",
    "breezy", "bright", "brisk", "broad", "calm", "candid", "careful", "cheerful", "clear", "clever", "cobalt",
    "copper", "coral", "cosy", "crimson", "crisp", "curious", "daring", "deft", "dapper", "eager", "early",
    "earnest", "easy", "elegant", "emerald", "fair", "fancy", "fearless", "fleet", "fond", "frank", "fresh",
    "frosty", "gallant", "gentle", "gilded", "glad", "golden", "grand", "graceful", "hardy", "hazel", "hearty",
    "honest", "humble", "indigo", "ivory", "jade", "jaunty", "jolly", "jovial", "keen", "kind", "lilac", "lively",
    "lofty", "loyal", "lucid", "lucky", "lunar", "mellow", "merry", "mighty", "mild", "mindful", "misty", "modest",
    "mossy", "neat", "nimble", "noble", "olive", "patient", "pearly", "placid", "plucky", "polite", "prompt",
    "proud", "quick", "quiet", "rapid", "ready", "robust", "rosy", "rustic", "sage", "sandy", "scarlet", "serene",
    "sharp", "silent", "silver", "sincere", "sleek", "smart", "smooth", "snowy", "solar", "solid", "spry",
    "stately", "steady", "sterling", "stoic", "sturdy", "subtle", "sunny", "supple", "swift", "tender", "tidy",
    "tranquil", "trusty", "upbeat", "velvet", "vivid", "warm", "wise", "witty", "woven", "young", "zesty",
)
# fmt: on

# fmt: off
ANIMALS: Final = (
    "albatross", "alpaca", "antelope", "avocet", "axolotl", "badger", "barbet", "beaver", "bee", "bison", "bittern",
    "bobcat", "bullfinch", "bunting", "buzzard", "caracal", "caribou", "chamois", "cheetah", "chinchilla", "chough",
    "civet", "condor", "coot", "cormorant", "cougar", "coyote", "crane", "cricket", "curlew", "deer", "dingo",
    "dipper", "dolphin", "dormouse", "dove", "dragonfly", "duck", "dunlin", "eagle", "echidna", "egret", "eider",
    "elk", "ermine", "falcon", "fennec", "ferret", "finch", "firefly", "flamingo", "fox", "gannet", "gazelle",
    "gecko", "gibbon", "godwit", "goldfinch", "goose", "goshawk", "grebe", "grouse", "hare", "harrier", "hawk",
    "hedgehog", "heron", "hoopoe", "hornbill", "ibex", "ibis", "jackdaw", "jaguar", "jay", "kestrel", "kingfisher",
    "kite", "kiwi", "koala", "lapwing", "lark", "lemur", "leopard", "linnet", "llama", "lynx", "magpie", "mallard",
    "manatee", "margay", "marmot", "marten", "martin", "meerkat", "merlin", "mongoose", "moose", "narwhal", "newt",
    "nightingale", "nuthatch", "ocelot", "okapi", "oriole", "osprey", "otter", "owl", "oyster", "panda", "panther",
    "partridge", "pelican", "petrel", "pika", "pipit", "plover", "puffin", "puma", "quail", "quokka", "rabbit",
    "raven", "redstart", "reindeer", "robin", "sable", "salmon", "sandpiper", "seal", "serval", "siskin", "skylark",
    "snipe", "sparrow", "starling", "stoat", "stork", "swallow", "swan", "swift", "tapir", "teal", "tern", "thrush",
    "toucan", "turtle", "vole", "wagtail", "walrus", "warbler", "waxwing", "weasel", "whale", "wigeon", "wolf",
    "wombat", "woodcock", "wren", "yak", "zebra",
)
# fmt: on
