"""The breeds of Oxford-IIIT Pet, whose names begin the images' (Parkhi et al., CVPR 2012)."""

_CATS = """
    Abyssinian Bengal Birman Bombay British_Shorthair Egyptian_Mau Maine_Coon Persian Ragdoll
    Russian_Blue Siamese Sphynx
"""
_DOGS = """
    american_bulldog american_pit_bull_terrier basset_hound beagle boxer chihuahua
    english_cocker_spaniel english_setter german_shorthaired great_pyrenees havanese japanese_chin
    keeshond leonberger miniature_pinscher newfoundland pomeranian pug saint_bernard samoyed
    scottish_terrier shiba_inu staffordshire_bull_terrier wheaten_terrier yorkshire_terrier
"""

# "cat" or "dog" by breed.
SPECIES = {**dict.fromkeys(_CATS.split(), "cat"), **dict.fromkeys(_DOGS.split(), "dog")}
