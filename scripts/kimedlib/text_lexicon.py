# ruff: noqa: E501, SIM905 - tables of words are read by line
"""Words that tell categories apart in German and English clinical letters; general knowledge, none drawn from test letters."""

import re

TITLES = frozenset(
    """dr prof professor priv doz dozent pd ao univ univers universitätsprofessor prim primar primaria primararzt oa oä
    oberarzt oberärztin ass assistenzarzt dipl ing mag mba msc bsc phd md med mult habil hon dra dres ddr mmag rer nat
    phil dgks dgkp hc fa fä ra chefarzt chefärztin stationsarzt stationsärztin fachärztin facharzt mph mhba facs""".split()
)
SALUTATIONS = frozenset("herr herrn hr hrn frau fr patient patientin pat kollege kollegin kollegen mr mrs ms".split())
ROLES = frozenset(
    """chefarzt chefärztin oberarzt oberärztin stationsarzt stationsärztin assistenzarzt assistenzärztin ärztin arzt
    facharzt fachärztin hausarzt hausärztin vorstand leiter leiterin leitung direktor direktorin untersucher untersucherin
    gez unterschrift vidiert freigegeben befunder befunderin sekretariat durchgeführt diktiert operateur assistenz
    anästhesist pathologe radiologe ltd leitender leitende ärztlicher ärztliche konsiliararzt hebamme""".split()
)
MONTHS = frozenset(
    """januar jänner jan februar feber feb märz mär mrz april apr mai juni jun juli jul august aug september sept sep
    oktober okt november nov dezember dez january february march may june july october december""".split()
)
DAYS = frozenset("montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do sa so".split())
BIRTH = frozenset("geb geboren geborene geburtsdatum gebdat born dob * gebd".split())
IDENTIFIERS = frozenset(
    """nr nummer fallnummer fallnr fall patientennummer patnr piz pid aufnahmenummer vorgangs vorgang auftragsnummer id
    svnr versicherungsnummer versichertennummer kvnr hnr histologienummer histonr befundnummer aktenzeichen az barcode
    station zimmer zi ambulanz blz iban konto kennzeichen mrn aufnahmezahl patientenid einsendenummer journalnummer
    probennummer labornummer bsnr lanr zeichen""".split()
)
PHONE = frozenset(
    "tel telefon fon phone mobil handy dw durchwahl klappe rufnummer telefonnummer telefonisch ruf".split()
)
FAX = frozenset("fax telefax fn faxnummer".split())
MAIL = frozenset("mail email e web internet www homepage http https url".split())
AGE = frozenset(
    "jährige jähriger jährigen jähriges jahre jahren alter alt j lj lebensjahr jährig jahr age aged old".split()
)
PROFESSIONS = frozenset(
    "beruf berufstätig tätig arbeitet arbeit pensionist rentner rentnerin ausbildung gelernter gelernte".split()
)
RELATIVES = frozenset(
    """mutter vater sohn tochter ehemann ehefrau gattin gatte bruder schwester enkel enkelin tante onkel angehörige
    lebensgefährte lebensgefährtin neffe nichte kindesmutter kindesvater eltern husband wife daughter son""".split()
)
HOSPITAL = re.compile(
    r"(?:klinik(?:um|en)?|kliniken|krankenhaus(?:es)?|spital|hospital|reha|zentrum|institut|praxis|praxisgemeinschaft|ambulanz"
    r"|krankenanstalt(?:en)?(?:verbund)?|sanatorium|stift|mvz|charité|lkh|uk[a-z]{0,2}|kh|akh|heim|medizincampus|fachklinik)$"
)
STREET = re.compile(
    r"(?:stra(?:ß|ss)e|str|gasse|weg|platz|allee|ring|ufer|damm|steig|pfad|promenade|zeile|markt|hof|berg|chaussee|graben"
    r"|feld|kai|stiege|siedlung|lände|winkel|tor|gürtel)$"
)
ORGANISATION = frozenset(
    "gmbh ag kg ev verein versicherung krankenkasse aok barmer tkk dak gkk ögk bva sva firma universität schule".split()
)
# Words that look like names and are none: eponyms, scales, drugs named after people or gods, anatomical terms.
TRAPS = frozenset(
    """morbus parkinson alzheimer crohn basedow hodgkin bechterew ledderhose raynaud behçet cushing addison wilson menière
    paget scheuermann perthes sudeck charcot marie tooth guillain barré tourette down turner marfan lynch barrett helicobacter
    langerhans kupffer purkinje schwann ranvier cajal golgi virchow horner babinski lasègue trendelenburg rinne weber
    romberg murphy mcburney blumberg rovsing courvoisier payr lanz kaposi merkel wilms ewing burkitt sjögren wegener
    hashimoto kawasaki still osler waldenström recklinghausen dupuytren quervain boeck meulengracht gilbert kehr billroth
    whipple nissen hartmann roux kocher lichtenstein shouldice bassini mallampati aldrete barthel tinetti apgar glasgow child pugh
    karnofsky ecog gleason clark breslow fontaine rutherford stanford debakey killip nyha lown sokolow gensini duke jones
    doppler holter röntgen foley redon kirschner robinson veress seldinger swan ganz hickman broviac tenckhoff shaldon
    schellong tilt allen phalen tinel hoffmann finkelstein neer hawkins jobe ass marcumar aspirin""".split()
)
EPONYM_HEADS = frozenset(
    """morbus m syndrom erkrankung krankheit zeichen test index score klassifikation lymphom sarkom tumor drainage katheter
    schema regime stadium naht operation punkt linie zelle zellen anastomose anfall fraktur kontraktur skala diagramm
    druck sonographie ekg reflex phänomen ulcus ulkus struma thyreoiditis arthritis ring herz""".split()
)
SHORT_GAZETTEER = (
    (TITLES, "title"), (SALUTATIONS, "salutation"), (ROLES, "role"), (MONTHS, "month"), (DAYS, "day"), (BIRTH, "birth"),
    (IDENTIFIERS, "identifier"), (PHONE, "phone"), (FAX, "fax"), (MAIL, "mail"), (AGE, "age"), (PROFESSIONS, "job"),
    (RELATIVES, "relative"), (ORGANISATION, "organisation"), (TRAPS, "trap"), (EPONYM_HEADS, "eponym"),
)  # fmt: skip


def word_classes(word: str) -> list[str]:
    """Classes of a case-folded word."""
    found = [name for words, name in SHORT_GAZETTEER if word in words]
    if HOSPITAL.search(word):
        found.append("hospital")
    if STREET.search(word):
        found.append("street")
    return found
